// A checkout system whose CPU time can be read, by kind of process.
import {
  serveCheckout,
  startLocalTopology,
  startSentinelTopology,
  type Topology,
  type TopologyOptions,
} from "@assent/topology";
import { converseWithRedis, type ServerProcess } from "@assent/local-servers";
import { processCpuSeconds } from "./process-cpu.ts";

export interface MeasuredSystem {
  readonly url: string;
  /** Seconds so far, by kind: "server", or "order", "nats", "redis-order", … */
  cpuSeconds(): ReadonlyMap<string, number>;
  /** Bytes of each database in memory now, by kind; of several replicas only one is counted. */
  databaseBytes(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<unknown>;
}

export interface MeasuredOptions {
  readonly folder: string;
  readonly protocol: "auto" | "2pc" | "saga";
  readonly delivery: "jetstream" | "core";
  /** Of each service, in the local topology. */
  readonly instances: number;
}

/** One process at durability D1. */
export async function openEmbeddedSystem({ folder, protocol }: MeasuredOptions): Promise<MeasuredSystem> {
  const served = await serveCheckout({ dataFolder: folder, protocol });
  return {
    url: served.url,
    cpuSeconds: () => new Map([["server", processCpuSeconds(served.pid)]]),
    databaseBytes: () => Promise.resolve(new Map()),
    stop: () => served.stop(),
  };
}

/** Real servers and processes on this machine, databases at durability D1. */
export async function openLocalSystem(options: MeasuredOptions): Promise<MeasuredSystem> {
  return measured(await startLocalTopology(topologyOptions(options)));
}

/** The same, three servers of each kind, at D2. */
export async function openSentinelSystem(options: MeasuredOptions): Promise<MeasuredSystem> {
  return measured(await startSentinelTopology(topologyOptions(options)));
}

function topologyOptions({ folder, protocol, delivery, instances: count }: MeasuredOptions): TopologyOptions {
  return { folder, protocol, delivery, instances: { order: count, stock: count, payment: count } };
}

function measured(topology: Topology): MeasuredSystem {
  return {
    url: topology.url,
    cpuSeconds() {
      const sums = new Map<string, number>();
      for (const [name, { pid }] of topology.processes) {
        const kind = kindOf(name);
        sums.set(kind, (sums.get(kind) ?? 0) + processCpuSeconds(pid));
      }
      return sums;
    },
    async databaseBytes() {
      const databases = [...topology.processes].filter(([name]) => name.startsWith("redis-"));
      return new Map(
        await Promise.all(
          databases.map(async ([name, server]) => [kindOf(name), await usedMemoryBytes(server)] as const),
        ),
      );
    },
    stop: () => topology.stop(),
  };
}

const kindOf = (name: string): string => name.replace(/-\d+$/, "");

/** https://redis.io/docs/latest/commands/info/ */
async function usedMemoryBytes(server: ServerProcess): Promise<number> {
  const isComplete = (text: string): boolean => text.includes("used_memory_startup:");
  const text = await converseWithRedis(server, { text: "INFO memory\r\n", isComplete, waitMs: 10_000 });
  const bytes = /^used_memory:(\d+)/m.exec(text ?? "")?.[1];
  if (bytes === undefined) throw new Error("a database does not report its memory usage");
  return Number(bytes);
}
