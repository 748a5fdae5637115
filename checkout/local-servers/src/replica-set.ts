// Redis servers with the same data, flushed before each answer: a master and replicas that follow it, any of which
// sentinels may promote.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loopback } from "./free-port.ts";
import { configurationFile, startRedis } from "./redis.ts";
import type { ServerProcess } from "./server-process.ts";
import { converseWithRedis } from "./redis-conversation.ts";

export interface ReplicaSetOptions {
  /** Contains a folder for each server: "0", "1", … */
  readonly folder: string;
  /** One for each server; the first is the master at the first start on the folder. */
  readonly ports: readonly number[];
  /** Ports on which others reach the servers, if not their own ports. */
  readonly announcedPorts?: readonly number[];
  /** Password of all of them; default: none is required. */
  readonly password?: string;
  /** Memory limit of each in bytes; default: no limit. */
  readonly memoryBytesMax?: number;
  /** Number of replicas without which a master accepts no writes, whichever server it is. */
  readonly replicasMin: number;
}

/** Silence after which a master no longer counts a replica, in seconds. */
const replicaLagMaxS = 5;
/** Silence after which a link counts as broken, in seconds: a replica detects a master that was cut off. */
const linkSilenceMaxS = 5;

const followDeadlineMs = 30_000;
const lookEveryMs = 20;

/**
 * Resolves when all others follow the first; at later starts on the folder, when they answer.
 * @throws {ServerUnavailable} {ServerNotStarted}
 */
export async function startReplicaSet(options: ReplicaSetOptions): Promise<readonly ServerProcess[]> {
  const { folder, ports, announcedPorts = ports, replicasMin, password, memoryBytesMax } = options;
  const settings = [
    `min-replicas-to-write ${replicasMin}`,
    `min-replicas-max-lag ${replicaLagMaxS}`,
    `repl-timeout ${linkSilenceMaxS}`,
    "repl-ping-replica-period 1",
    "repl-diskless-sync-delay 0",
    // After a short outage a replica receives only the missing writes.
    "repl-backlog-size 64mb",
    // Stopping all of them together would wait for replicas that have already stopped.
    "shutdown-timeout 0",
  ];
  const start = (index: number): Promise<ServerProcess> => {
    const announced = [`replica-announce-ip ${loopback}`, `replica-announce-port ${announcedPorts[index] ?? 0}`];
    const following = index === 0 ? [] : [`replicaof ${loopback} ${announcedPorts[0] ?? 0}`];
    return startRedis({
      folder: join(folder, String(index)),
      port: ports[index] ?? 0,
      isWatched: true,
      ...(password !== undefined && { password }),
      ...(memoryBytesMax !== undefined && { memoryBytesMax }),
      settings: [...settings, ...announced, ...following],
      appendfsync: "always",
    });
  };
  // The folder of a backup has data for the first server, although no server has run on it yet.
  const isFirstLife = !existsSync(join(folder, "0", configurationFile));
  const servers = await Promise.all(ports.map((_, index) => start(index)));
  // At later starts two servers may consider themselves master until the sentinels decide.
  if (isFirstLife) await replicated(servers);
  return servers;
}

/** Waits until all others follow one of them. */
async function replicated(servers: readonly ServerProcess[]): Promise<void> {
  const deadline = performance.now() + followDeadlineMs;
  const isMaster = async (server: ServerProcess): Promise<boolean> => {
    const isComplete = (text: string): boolean => text.includes("connected_slaves:");
    const received = await converseWithRedis(server, { text: "INFO replication\r\n", isComplete, waitMs: 1_000 });
    return (received?.match(/state=online/g)?.length ?? 0) >= servers.length - 1;
  };
  for (;;) {
    const answers = await Promise.all(servers.map(isMaster));
    if (answers.includes(true)) return;
    if (performance.now() > deadline) throw new Error(`the replicas do not follow within ${followDeadlineMs} ms`);
    await pause(lookEveryMs);
  }
}
