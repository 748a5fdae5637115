// The current master of a service's database, and whether its replicas are in sync: read before a fault and after it is
// healed.
import { converseWithRedis, type ServerProcess } from "@assent/local-servers";
import { databaseNames, type MasterView, masterView, sentinelNames, type ServiceName } from "@assent/topology";
import type { CutNetwork } from "./faults/cut-network.ts";

export interface Databases {
  /** Whether a replica takes the place of a dead master. */
  readonly areReplicated: boolean;
  /** Its name. @throws Error if it is unknown now */
  master(service: ServiceName): Promise<string>;
  isInStep(service: ServiceName): Promise<boolean>;
}

/** One database for each service. */
export const singleDatabases: Databases = {
  areReplicated: false,
  master: (service) => Promise.resolve(`redis-${service}`),
  isInStep: () => Promise.resolve(true),
};

const askMs = 1_000;

/** Several databases for each service, and sentinels that name the master. */
export class ReplicatedDatabases implements Databases {
  readonly areReplicated = true;
  readonly #process: (name: string) => ServerProcess;
  readonly #network: CutNetwork | undefined;

  constructor(process: (name: string) => ServerProcess, network: CutNetwork | undefined) {
    this.#process = process;
    this.#network = network;
  }

  async master(service: ServiceName): Promise<string> {
    const ports = new Map<number, string>();
    for (const name of databaseNames(service)) {
      const { port } = this.#process(name);
      ports.set((await this.#network?.link("redis", name, port)) ?? port, name);
    }
    let newest: MasterView | undefined;
    for (const view of await this.#views(service)) {
      if (view !== undefined && (newest === undefined || view.epoch > newest.epoch)) newest = view;
    }
    const named = ports.get(newest?.port ?? 0);
    if (named === undefined) throw new Error(`no sentinel knows the master of ${service}`);
    return named;
  }

  /** Whether all sentinels name the same master, and all other databases follow it without lag. */
  async isInStep(service: ServiceName): Promise<boolean> {
    const views = await this.#views(service);
    if (new Set(views.map((view) => view?.port)).size !== 1 || views[0] === undefined) return false;
    const master = this.#process(await this.master(service));
    const isComplete = (text: string): boolean => text.includes("repl_backlog_histlen:");
    const text = (await converseWithRedis(master, { text: "INFO replication\r\n", isComplete, waitMs: askMs })) ?? "";
    const inStep = text.match(/state=online,offset=\d+,lag=[01]\r/g)?.length ?? 0;
    return text.includes("role:master") && inStep >= databaseNames(service).length - 1;
  }

  #views(service: ServiceName): Promise<readonly (MasterView | undefined)[]> {
    return Promise.all(sentinelNames.map((name) => masterView(this.#process(name), service)));
  }
}
