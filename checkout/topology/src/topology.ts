// What every topology of real processes on this machine has in common.
import type { ServerProcess } from "@assent/local-servers";

export type ServiceName = "order" | "stock" | "payment";
export const serviceNames: readonly ServiceName[] = ["order", "stock", "payment"];

export type Variables = Readonly<Record<string, string>>;

export interface TopologyOptions {
  /** Holds a folder for each process, with its data and its log. */
  readonly folder: string;
  /** Instances of each service; two when left out. */
  readonly instances?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Of the first gateway, on loopback; left out: a free one. */
  readonly port?: number;
  readonly protocol?: "auto" | "2pc" | "saga";
  readonly delivery?: "jetstream" | "core";
  /** Takes faults over HTTP. */
  readonly faults?: boolean;
  /** How long an instance that is told to stop is drained. */
  readonly drainMs?: number;
  /**
   * Called when the databases answer, with the variables by which a service reaches its own; the services are started
   * when it resolves. What it throws ends the start.
   */
  readonly beforeServices?: (variablesOf: (service: ServiceName) => Variables) => Promise<void>;
  /** Further variables of the environment of one instance, by its name. */
  readonly environmentOf?: (name: string) => Variables;
  /** Told what is being started, and what died. */
  readonly onProgress?: (line: string) => void;
}

export interface Topology {
  /** Of the first gateway. */
  readonly url: string;
  /** Of all gateways. */
  readonly urls: readonly string[];
  /** By name: "order-0", "nats", "redis-stock", "gateway", or with a number where there are several of them. */
  readonly processes: ReadonlyMap<string, ServerProcess>;
  /** How many processes have died so far without being told to. */
  deaths(): number;
  /** Leaves a process dead when it dies, until it is released. */
  hold(name: string): void;
  release(name: string): void;
  /** Resolves when every process that is not held answers again. @throws Error when that takes longer than `waitMs` */
  settled(waitMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** The processes of a topology while it is put together. */
export class Processes {
  readonly all = new Map<string, ServerProcess>();
  readonly #onProgress: (line: string) => void;

  constructor(onProgress: (line: string) => void = () => undefined) {
    this.#onProgress = onProgress;
  }

  async add(name: string, starting: Promise<ServerProcess>): Promise<ServerProcess> {
    const started = await starting;
    this.all.set(name, started);
    this.#onProgress(`${name} answers on port ${started.port}, process ${started.pid}`);
    return started;
  }

  /** The gateways first, then the services, then what they need. */
  async stop(): Promise<void> {
    const kindOf = (name: string): string => name.slice(0, name.search(/-|$/));
    const isService = (kind: string): boolean => serviceNames.some((service) => service === kind);
    const stages = [
      (kind: string): boolean => kind === "gateway",
      isService,
      (kind: string): boolean => kind !== "gateway" && !isService(kind),
    ];
    for (const isOfStage of stages) {
      const found = [...this.all].filter(([name]) => isOfStage(kindOf(name)));
      await Promise.all(found.map(([, running]) => running.stop()));
    }
  }
}
