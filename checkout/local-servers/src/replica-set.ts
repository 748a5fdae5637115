// Redis servers with the same data, which they flush before they answer: a master and replicas that follow it, any of
// which sentinels may promote.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loopback } from "./free-port.ts";
import { configurationFile, startRedis } from "./redis.ts";
import type { ServerProcess } from "./server-process.ts";
import { converseWithRedis } from "./redis-conversation.ts";

export interface ReplicaSetOptions {
  /** Holds a folder for each server: "0", "1", … */
  readonly folder: string;
  /** One for each server; the first is the master in the first life of the folder. */
  readonly ports: readonly number[];
  /** Where others reach the servers, if not on their ports. */
  readonly announcedPorts?: readonly number[];
  /** Password of all of them; left out: none is required. */
  readonly password?: string;
  /** The most bytes that each keeps; left out: all memory of the machine. */
  readonly memoryBytesMax?: number;
  /** Replicas without which a master takes no writes, whichever server it is. */
  readonly replicasMin: number;
}

/** How long a replica may be silent before a master does not count it any more, seconds. */
const replicaLagMaxS = 5;
/** How long a link between servers may be silent, seconds: a replica notices a master that was cut off. */
const linkSilenceMaxS = 5;

const followDeadlineMs = 30_000;
const lookEveryMs = 20;

/**
 * Resolves when all others follow the first; in a later life of the folder, when they answer.
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
    // A replica that was away for a short while is sent what it missed, not everything.
    "repl-backlog-size 64mb",
    // A stop of all of them together would wait for replicas that have stopped before.
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
  // The folder of a backup has data for the first server, but no server has run on it yet.
  const isFirstLife = !existsSync(join(folder, "0", configurationFile));
  const servers = await Promise.all(ports.map((_, index) => start(index)));
  // Later there may be two that take themselves for the master, until the sentinels settle it.
  if (isFirstLife) await replicated(servers);
  return servers;
}

/** All others follow one of them. */
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
