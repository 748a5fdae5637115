// The common parts of every topology of real processes on this machine.
import type { ServerProcess } from "@assent/local-servers";

export type ServiceName = "order" | "stock" | "payment";
export const serviceNames: readonly ServiceName[] = ["order", "stock", "payment"];

export type Variables = Readonly<Record<string, string>>;

export interface TopologyOptions {
  /** Contains a folder for each process, with its data and its log. */
  readonly folder: string;
  /** Instances of each service; default: two. */
  readonly instances?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Of the first gateway, on loopback; default: a free port. */
  readonly port?: number;
  readonly protocol?: "auto" | "2pc" | "saga";
  readonly delivery?: "jetstream" | "core";
  /** Allows fault injection over HTTP. */
  readonly faults?: boolean;
  /** How long a stopping instance is drained. */
  readonly drainMs?: number;
  /**
   * Called when the databases answer, with the variables by which each service reaches its own; the services are
   * started when it resolves. If it throws, the start fails.
   */
  readonly beforeServices?: (variablesOf: (service: ServiceName) => Variables) => Promise<void>;
  /** Further environment variables of one instance, by its name. */
  readonly environmentOf?: (name: string) => Variables;
  /** Called with each process that is started or has died. */
  readonly onProgress?: (line: string) => void;
}

export interface Topology {
  /** Of the first gateway. */
  readonly url: string;
  /** Of all gateways. */
  readonly urls: readonly string[];
  /** By name: "order-0", "nats", "redis-stock", "gateway", with a number if there are several of a kind. */
  readonly processes: ReadonlyMap<string, ServerProcess>;
  /** Number of processes that have died so far without being stopped. */
  deaths(): number;
  /** If the process dies, leaves it dead until it is released. */
  hold(name: string): void;
  release(name: string): void;
  /** Resolves when every process that is not held answers again. @throws Error when that takes longer than `waitMs` */
  settled(waitMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** The processes of a topology during its start. */
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

  /** The gateways first, then the services, then their servers. */
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
