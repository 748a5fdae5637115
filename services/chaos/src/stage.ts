// A sentinel topology under load, as faults see it: which process is which now, and whether all is well again.
import type { ServerProcess } from "@assent/local-servers";
import { converse } from "@assent/local-servers";
import {
  databaseNames,
  type MasterView,
  masterView,
  sentinelNames,
  type ServiceName,
  serviceNames,
  startSentinelTopology,
  type SentinelTopologyOptions,
  type Topology,
} from "@assent/launcher";
import { setTimeout as pause } from "node:timers/promises";
import { CutNetwork } from "./faults/cut-network.ts";
import { skewedClock } from "./faults/skewed-clock.ts";
import type { StoreUrls } from "./judge/store-books.ts";

export interface StageOptions extends Omit<SentinelTopologyOptions, "link" | "environmentOf"> {
  /** Connections go through passages that can be cut. They cost CPU: where nothing is cut they are left out. */
  readonly cuts: boolean;
}

const pollMs = 50;
const wellWaitMs = 60_000;
const askMs = 1_000;
/** How far the clocks of two instances are off, one each way: within what the protocol bears. */
const skewMs = 400;

export class Stage {
  readonly topology: Topology;
  readonly network: CutNetwork | undefined;

  private constructor(topology: Topology, network: CutNetwork | undefined) {
    this.topology = topology;
    this.network = network;
  }

  /** @throws {ServerUnavailable} {ServerNotStarted} */
  static async open({ cuts, ...options }: StageOptions): Promise<Stage> {
    const network = cuts ? new CutNetwork() : undefined;
    const skews = new Map([
      ["order-1", skewMs],
      ["stock-1", -skewMs],
    ]);
    const environmentOf = (name: string): Record<string, string> => skewedClock(skews.get(name) ?? 0);
    const link = network === undefined ? {} : { link: network.link };
    return new Stage(await startSentinelTopology({ ...options, ...link, environmentOf }), network);
  }

  process(name: string): ServerProcess {
    const found = this.topology.processes.get(name);
    if (found === undefined) throw new Error(`there is no process ${name}`);
    return found;
  }

  /** The database that the sentinels take for the master of a service. */
  async master(service: ServiceName): Promise<string> {
    const ports = new Map<number, string>();
    for (const name of databaseNames(service)) {
      const { port } = this.process(name);
      ports.set((await this.network?.link("redis", name, port)) ?? port, name);
    }
    const named = ports.get((await this.#view(service))?.port ?? 0);
    if (named === undefined) throw new Error(`no sentinel knows the master of ${service}`);
    return named;
  }

  /** Resolves when the sentinels name another master than this. */
  async promoted(service: ServiceName, former: string): Promise<void> {
    await this.until(`another master of ${service}`, async () => (await this.master(service)) !== former);
  }

  async storeUrls(): Promise<StoreUrls> {
    const urlOf = async (service: ServiceName): Promise<string> =>
      `redis://127.0.0.1:${this.process(await this.master(service)).port}`;
    const [order, stock, payment] = await Promise.all([urlOf("order"), urlOf("stock"), urlOf("payment")]);
    return { order, stock, payment };
  }

  /** Resolves when every process answers and every replica is in step. @throws Error when it takes long */
  async well(): Promise<void> {
    await this.topology.settled(wellWaitMs);
    for (const service of serviceNames) {
      await this.until(`replicas of ${service} in step`, () => this.#isReplicated(service));
    }
  }

  /** @throws Error when it does not come to that */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + wellWaitMs;
    while (!(await condition().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`not within ${wellWaitMs} ms: ${what}`);
      await pause(pollMs);
    }
  }

  async close(): Promise<void> {
    await this.topology.stop();
    this.network?.close();
  }

  async #view(service: ServiceName): Promise<MasterView | undefined> {
    const views = await Promise.all(sentinelNames.map((name) => masterView(this.process(name), service)));
    let newest: MasterView | undefined;
    for (const view of views) {
      if (view !== undefined && (newest === undefined || view.epoch > newest.epoch)) newest = view;
    }
    return newest;
  }

  /** All sentinels name the same master, and all other databases follow it without a lag. */
  async #isReplicated(service: ServiceName): Promise<boolean> {
    const views = await Promise.all(sentinelNames.map((name) => masterView(this.process(name), service)));
    if (new Set(views.map((view) => view?.port)).size !== 1 || views[0] === undefined) return false;
    const { port } = this.process(await this.master(service));
    const isComplete = (text: string): boolean => text.includes("repl_backlog_histlen:");
    const text = (await converse({ port, text: "INFO replication\r\n", isComplete, waitMs: askMs })) ?? "";
    const inStep = text.match(/state=online,offset=\d+,lag=[01]\r/g)?.length ?? 0;
    return text.includes("role:master") && inStep >= databaseNames(service).length - 1;
  }
}
