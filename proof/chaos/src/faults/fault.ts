// What can be done to a stage, and undone. Each fault says what it did by doing it for real: one that has nothing to
// strike fails, so that no case passes without its fault.
import { converseWithRedis, makeReadOnly, type ServerProcess } from "@assent/local-servers";
import { databaseNames, type ServiceName, serviceNames } from "@assent/topology";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Pairs } from "./cut-network.ts";
import type { Stage } from "../stage.ts";

/** Strikes, waits as long as the fault is to last, and heals; may tell what exactly was struck. */
export type Strike = (stage: Stage) => Promise<string | void>;

/** What a process is, which decides what its death costs. */
export const roles = ["service", "broker", "gateway", "sentinel", "database", "replica", "master"] as const;
export type Role = (typeof roles)[number];

export async function roleOf(stage: Stage, name: string): Promise<Role> {
  if (name.startsWith("nats")) return "broker";
  if (name.startsWith("gateway")) return "gateway";
  if (name.startsWith("sentinel")) return "sentinel";
  const service = serviceOf(name);
  if (service === undefined) return "service";
  if (!stage.databases.areReplicated) return "database";
  return (await stage.master(service)) === name ? "master" : "replica";
}

/** Whose database it is. */
function serviceOf(name: string): ServiceName | undefined {
  return serviceNames.find((service) => name === `redis-${service}` || databaseNames(service).includes(name));
}

export interface Fault {
  readonly name: string;
  /** Whether it needs passages between the processes. */
  readonly cuts?: boolean;
  readonly strike: Strike;
}

/** Kills a process; a database that others replace is started again only when one of them has taken its place. */
export async function killProcess(stage: Stage, name: string): Promise<void> {
  const { topology } = stage;
  const service = serviceOf(name);
  if (service === undefined || !stage.databases.areReplicated || (await stage.master(service)) !== name) {
    await stage.process(name).kill();
    return;
  }
  topology.hold(name);
  try {
    await stage.process(name).kill();
    await stage.promoted(service, name);
  } finally {
    topology.release(name);
  }
}

export function kill(...names: readonly string[]): Strike {
  return async (stage) => {
    await Promise.all(names.map((name) => killProcess(stage, name)));
  };
}

export function killMaster(service: ServiceName): Strike {
  return async (stage) => killProcess(stage, await stage.master(service));
}

/** SIGTERM, as a container engine stops a container, and a start after a while. */
export function stopAndStart(name: string, stoppedMs: number): Strike {
  return async (stage) => {
    stage.topology.hold(name);
    await stage.process(name).stop();
    await pause(stoppedMs);
    stage.topology.release(name);
  };
}

/** SIGSTOP, and SIGCONT after a while: what it was in the middle of goes on then. */
export function stall(name: string, stalledMs: number): Strike {
  return async (stage) => {
    const stalled = stage.process(name);
    stalled.pause();
    try {
      await pause(stalledMs);
    } finally {
      stalled.resume();
    }
  };
}

/** A master stops until another has taken its place, and then a while longer. */
export function stallMaster(service: ServiceName, longerMs: number): Strike {
  return async (stage) => {
    const master = await stage.master(service);
    const stalled = stage.process(master);
    stalled.pause();
    try {
      await stage.promoted(service, master);
      await pause(longerMs);
    } finally {
      stalled.resume();
    }
  };
}

/** As before maintenance: another takes the place of a master that is alive and keeps working meanwhile. */
export function replaceMaster(service: ServiceName): Strike {
  return async (stage) => {
    const master = await stage.master(service);
    const sentinel = stage.process("sentinel-0");
    const text = `SENTINEL FAILOVER ${service}\r\n`;
    // It refuses while it has not heard of the replicas for a while. Asked again, it may be doing it already.
    await stage.until(`a sentinel that replaces the master of ${service}`, async () => {
      const answer = await converseWithRedis(sentinel, {
        text,
        isComplete: (all) => all.includes("\r\n"),
        waitMs: 1_000,
      });
      return answer !== undefined && /^(\+OK|-INPROG)/.test(answer);
    });
    await stage.promoted(service, master);
  };
}

export function cutOff(pairs: Pairs, cutMs: number): Strike {
  return async (stage) => {
    const heal = network(stage).cut(pairs);
    await pause(cutMs);
    heal();
  };
}

/** A master is cut off from some until another has taken its place, and then a while longer. */
export function cutOffMaster(service: ServiceName, isCut: (from: string) => boolean, longerMs: number): Strike {
  return async (stage) => {
    const master = await stage.master(service);
    const heal = network(stage).cut((from, to) => to === master && isCut(from));
    try {
      await stage.promoted(service, master);
      await pause(longerMs);
    } finally {
      heal();
    }
  };
}

export function slowDown(pairs: Pairs, delayMs: number, slowMs: number): Strike {
  return async (stage) => {
    const heal = network(stage).slow(pairs, delayMs);
    await pause(slowMs);
    heal();
  };
}

/**
 * No byte more for the files of a master, as on a full disk. One that ends because of that stays dead as long as the
 * disk is full. @throws Error when it does not notice
 */
export function fullDisk(service: ServiceName, fullMs: number): Strike {
  return async (stage) => {
    const victim = await stage.master(service);
    const full = stage.process(victim);
    stage.topology.hold(victim);
    try {
      limitFiles(full.pid, "0");
      await stage.until(
        `${victim} notices that its disk is full`,
        async () => full.hasEnded || (await cannotWrite(full)),
      );
      await pause(fullMs);
      if (!full.hasEnded) limitFiles(full.pid, "unlimited");
    } finally {
      stage.topology.release(victim);
    }
  };
}

/**
 * A master dies with its disk, which is read-only from then on: it cannot be started again before that is mended.
 * @throws Error when it starts all the same, or nobody takes its place
 */
export function readOnlyDisk(service: ServiceName): Strike {
  return async (stage) => {
    const victim = await stage.master(service);
    const { topology } = stage;
    const database = stage.process(victim);
    const makeWritable = makeReadOnly(join(database.folder, "appendonlydir"));
    try {
      const before = topology.deaths();
      await database.kill();
      await stage.promoted(service, victim);
      await stage.until(`${victim} fails to start`, async () => topology.deaths() > before + 1 && database.hasEnded);
    } finally {
      makeWritable();
    }
  };
}

/** Whether a database says that it cannot write to its append-only file. */
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

function network({ network: passages }: Stage): NonNullable<Stage["network"]> {
  if (passages === undefined) throw new Error("this stage has no passages that could be cut");
  return passages;
}
