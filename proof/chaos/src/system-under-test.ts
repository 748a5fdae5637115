// A topology under load, as faults see it: the current roles of its processes, and whether all are healthy again.
import { redisUrlOf, type ServerProcess } from "@assent/local-servers";
import {
  type ServiceName,
  serviceNames,
  startLocalTopology,
  startSentinelTopology,
  type SentinelTopologyOptions,
  type Topology,
  type TopologyOptions,
} from "@assent/topology";
import { setTimeout as pause } from "node:timers/promises";
import { type Databases, ReplicatedDatabases, singleDatabases } from "./databases.ts";
import { CutNetwork } from "./faults/cut-network.ts";
import { skewedClock } from "./faults/skewed-clock.ts";
import type { StoreUrls } from "./judge/store-books.ts";

export interface SentinelSystemOptions extends Omit<SentinelTopologyOptions, "link" | "environmentOf"> {
  /** Connections go through proxies that can be cut. They cost CPU, so they are omitted if nothing is cut. */
  readonly cuts: boolean;
}

const pollMs = 50;
/** Sentinels on a machine that has stalled for more than 2 s promote no server for the next 30 s. */
const wellWaitMs = 120_000;
/** How far the clocks of two instances are off, in opposite directions: within the protocol's bound. */
const skewMs = 400;

export class SystemUnderTest {
  readonly topology: Topology;
  readonly network: CutNetwork | undefined;
  readonly databases: Databases;

  private constructor(topology: Topology, network?: CutNetwork) {
    this.topology = topology;
    this.network = network;
    const isReplicated = topology.processes.has("sentinel-0");
    this.databases = isReplicated ? new ReplicatedDatabases((name) => this.process(name), network) : singleDatabases;
  }

  /** @throws {ServerUnavailable} {ServerNotStarted} */
  static async openLocal(options: TopologyOptions): Promise<SystemUnderTest> {
    return new SystemUnderTest(await startLocalTopology(options));
  }

  /** @throws {ServerUnavailable} {ServerNotStarted} */
  static async openSentinel({ cuts, ...options }: SentinelSystemOptions): Promise<SystemUnderTest> {
    const network = cuts ? new CutNetwork() : undefined;
    const skews = new Map([
      ["order-1", skewMs],
      ["stock-1", -skewMs],
    ]);
    const environmentOf = (name: string): Record<string, string> => skewedClock(skews.get(name) ?? 0);
    const link = network === undefined ? {} : { link: network.link };
    try {
      return new SystemUnderTest(await startSentinelTopology({ ...options, ...link, environmentOf }), network);
    } catch (error) {
      network?.close();
      throw error;
    }
  }

  process(name: string): ServerProcess {
    const found = this.topology.processes.get(name);
    if (found === undefined) throw new Error(`unknown process ${name}`);
    return found;
  }

  /** The name of a service's current master. @throws Error if it stays unknown for long */
  async master(service: ServiceName): Promise<string> {
    let named = "";
    await this.until(`a sentinel that knows the master of ${service}`, async () => {
      named = await this.databases.master(service);
      return true;
    });
    return named;
  }

  /** Resolves when another database has become the master. */
  async promoted(service: ServiceName, former: string): Promise<void> {
    await this.until(`another master of ${service}`, async () => (await this.master(service)) !== former);
  }

  async storeUrls(): Promise<StoreUrls> {
    const urlOf = async (service: ServiceName): Promise<string> => redisUrlOf(this.process(await this.master(service)));
    const [order, stock, payment] = await Promise.all([urlOf("order"), urlOf("stock"), urlOf("payment")]);
    return { order, stock, payment };
  }

  /** Resolves when every process answers and every replica is in sync. @throws Error if that takes long */
  async well(): Promise<void> {
    await this.topology.settled(wellWaitMs);
    for (const service of serviceNames) {
      await this.until(`the databases of ${service} in step`, () => this.databases.isInStep(service));
    }
  }

  /** @throws Error if the condition does not become true in time */
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
}
