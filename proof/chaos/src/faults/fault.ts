// Faults of a system under test, and how they are healed. Each really happens: a fault without a target fails, so that
// no case passes without its fault.
import { converseWithRedis, makeReadOnly, type ServerProcess } from "@assent/local-servers";
import { databaseNames, type ServiceName, serviceNames } from "@assent/topology";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Pairs } from "./cut-network.ts";
import type { SystemUnderTest } from "../system-under-test.ts";

/** Injects the fault, waits for its duration, and heals it; may return the name of the actual target. */
export type Strike = (system: SystemUnderTest) => Promise<string | void>;

/** The role of a process, which decides the cost of its death. */
export const roles = ["service", "broker", "gateway", "sentinel", "database", "replica", "master"] as const;
export type Role = (typeof roles)[number];

export async function roleOf(system: SystemUnderTest, name: string): Promise<Role> {
  if (name.startsWith("nats")) return "broker";
  if (name.startsWith("gateway")) return "gateway";
  if (name.startsWith("sentinel")) return "sentinel";
  const service = serviceOf(name);
  if (service === undefined) return "service";
  if (!system.databases.areReplicated) return "database";
  return (await system.master(service)) === name ? "master" : "replica";
}

/** The service whose database it is. */
function serviceOf(name: string): ServiceName | undefined {
  return serviceNames.find((service) => name === `redis-${service}` || databaseNames(service).includes(name));
}

export interface Fault {
  readonly name: string;
  /** Whether it needs proxies between the processes. */
  readonly cuts?: boolean;
  readonly strike: Strike;
}

/** Kills a process; a replicated database is restarted only after one of the others has taken its place. */
export async function killProcess(system: SystemUnderTest, name: string): Promise<void> {
  const { topology } = system;
  const service = serviceOf(name);
  if (service === undefined || !system.databases.areReplicated || (await system.master(service)) !== name) {
    await system.process(name).kill();
    return;
  }
  topology.hold(name);
  try {
    await system.process(name).kill();
    await system.promoted(service, name);
  } finally {
    topology.release(name);
  }
}

export function kill(...names: readonly string[]): Strike {
  return async (system) => {
    await Promise.all(names.map((name) => killProcess(system, name)));
  };
}

export function killMaster(service: ServiceName): Strike {
  return async (system) => killProcess(system, await system.master(service));
}

/** SIGTERM, as a container engine stops a container, and a start after a while. */
export function stopAndStart(name: string, stoppedMs: number): Strike {
  return async (system) => {
    system.topology.hold(name);
    await system.process(name).stop();
    await pause(stoppedMs);
    system.topology.release(name);
  };
}

/** SIGSTOP, and SIGCONT after a while: interrupted work continues then. */
export function stall(name: string, stalledMs: number): Strike {
  return async (system) => {
    const stalled = system.process(name);
    stalled.pause();
    try {
      await pause(stalledMs);
    } finally {
      stalled.resume();
    }
  };
}

/** Stops a master until another has taken its place, and then a while longer. */
export function stallMaster(service: ServiceName, longerMs: number): Strike {
  return async (system) => {
    const master = await system.master(service);
    const stalled = system.process(master);
    stalled.pause();
    try {
      await system.promoted(service, master);
      await pause(longerMs);
    } finally {
      stalled.resume();
    }
  };
}

/** As before maintenance: another replaces a master that is alive and keeps working meanwhile. */
export function replaceMaster(service: ServiceName): Strike {
  return async (system) => {
    const master = await system.master(service);
    const sentinel = system.process("sentinel-0");
    const text = `SENTINEL FAILOVER ${service}\r\n`;
    // The sentinel refuses if it has not heard from the replicas for a while. On a repeat, it may already be promoting.
    await system.until(`a sentinel that replaces the master of ${service}`, async () => {
      const answer = await converseWithRedis(sentinel, {
        text,
        isComplete: (all) => all.includes("\r\n"),
        waitMs: 1_000,
      });
      return answer !== undefined && /^(\+OK|-INPROG)/.test(answer);
    });
    await system.promoted(service, master);
  };
}

export function cutOff(pairs: Pairs, cutMs: number): Strike {
  return async (system) => {
    const heal = network(system).cut(pairs);
    await pause(cutMs);
    heal();
  };
}

/** Cuts a master off from some processes until another has taken its place, and then a while longer. */
export function cutOffMaster(service: ServiceName, isCut: (from: string) => boolean, longerMs: number): Strike {
  return async (system) => {
    const master = await system.master(service);
    const heal = network(system).cut((from, to) => to === master && isCut(from));
    try {
      await system.promoted(service, master);
      await pause(longerMs);
    } finally {
      heal();
    }
  };
}

export function slowDown(pairs: Pairs, delayMs: number, slowMs: number): Strike {
  return async (system) => {
    const heal = network(system).slow(pairs, delayMs);
    await pause(slowMs);
    heal();
  };
}

/**
 * The files of a master cannot grow, as on a full disk. If the master ends because of that, it stays dead as long as
 * the disk is full. @throws Error if the master does not react
 */
export function fullDisk(service: ServiceName, fullMs: number): Strike {
  return async (system) => {
    const victim = await system.master(service);
    const full = system.process(victim);
    system.topology.hold(victim);
    try {
      limitFiles(full.pid, "0");
      await system.until(
        `${victim} notices that its disk is full`,
        async () => full.hasEnded || (await cannotWrite(full)),
      );
      await pause(fullMs);
      if (!full.hasEnded) limitFiles(full.pid, "unlimited");
    } finally {
      system.topology.release(victim);
    }
  };
}

/**
 * A master dies with its disk, which is read-only from then on: it cannot be restarted before that is fixed.
 * @throws Error if it starts nevertheless, or no other takes its place
 */
export function readOnlyDisk(service: ServiceName): Strike {
  return async (system) => {
    const victim = await system.master(service);
    const { topology } = system;
    const database = system.process(victim);
    const makeWritable = makeReadOnly(join(database.folder, "appendonlydir"));
    try {
      const before = topology.deaths();
      await database.kill();
      await system.promoted(service, victim);
      await system.until(`${victim} fails to start`, async () => topology.deaths() > before + 1 && database.hasEnded);
    } finally {
      makeWritable();
    }
  };
}

/** Whether a database reports that it cannot write to its append-only file. */
async function cannotWrite(database: ServerProcess): Promise<boolean> {
  const isComplete = (text: string): boolean => text.includes("aof_last_write_status:");
  const text = await converseWithRedis(database, { text: "INFO persistence\r\n", isComplete, waitMs: 1_000 });
  return text?.includes("aof_last_write_status:err") === true;
}

/** https://man7.org/linux/man-pages/man1/prlimit.1.html */
function limitFiles(pid: number, bytes: string): void {
  const { status, stderr, error } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  if (status !== 0) throw new Error(`prlimit: ${error?.message ?? String(stderr)}`);
}

function network({ network: proxies }: SystemUnderTest): NonNullable<SystemUnderTest["network"]> {
  if (proxies === undefined) throw new Error("this system has no proxies that could be cut");
  return proxies;
}
