// A Redis Sentinel of its own, loopback only: watches masters and their replicas, and promotes one when a master dies.
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { keepConfiguration, redisAnswersAs } from "./redis.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";

export interface WatchedMaster {
  readonly name: string;
  /** Where it was when the topology was made; from then on the sentinels know better. */
  readonly port: number;
}

export interface SentinelOptions {
  /** Of this sentinel alone: what it has learned is kept there, and outlives it. */
  readonly folder: string;
  /** Left out: a free one. */
  readonly port?: number;
  /** Where others reach it, if not on its port. */
  readonly announcedPort?: number;
  readonly masters: readonly WatchedMaster[];
  /** Password of the sentinels and of the servers that they watch; left out: none is required. */
  readonly password?: string;
  /** How many sentinels must find a master dead before one of them, elected by the majority of all, acts. */
  readonly quorum: number;
  /** How long a master may be silent before a sentinel finds it dead. */
  readonly downAfterMs: number;
  /** How long one failover may take before another is tried; twice that must pass between two of one master. */
  readonly failoverTimeoutMs: number;
}

/**
 * Starts a sentinel on the loopback address and resolves when it answers.
 * @throws {ServerUnavailable} when there is no redis-server and none can be obtained
 * @throws {ServerNotStarted} when it does not come up
 */
export async function startSentinel(options: SentinelOptions): Promise<ServerProcess> {
  const { folder, password } = options;
  const binary = await serverBinary("redis-server");
  makePrivateFolder(folder);
  return startOnPort(options.port, (port) => {
    const file = join(folder, "sentinel.conf");
    // The sentinel writes to it what it learns. One that is started again must not forget a failover (D33).
    const passwords = options.masters.map(({ name }) => `sentinel auth-pass ${name} ${password}`);
    const secrets = password === undefined ? [] : [`requirepass ${password}`, ...passwords];
    keepConfiguration(file, port, { lines: configuration(options, port), secrets });
    const answers = (pid: number): Promise<boolean> => redisAnswersAs({ port, password }, pid);
    const secret = password === undefined ? {} : { password };
    const args = [file, "--sentinel"];
    return ServerProcess.start({ name: "sentinel", binary, args, folder, port, ...secret, answers });
  });
}

function configuration({ folder, masters, ...options }: SentinelOptions, port: number): readonly string[] {
  const { quorum, downAfterMs, failoverTimeoutMs } = options;
  const watched = masters.flatMap((master) => [
    `sentinel monitor ${master.name} ${loopback} ${master.port} ${quorum}`,
    `sentinel down-after-milliseconds ${master.name} ${downAfterMs}`,
    `sentinel failover-timeout ${master.name} ${failoverTimeoutMs}`,
    // Both other replicas follow the new master at once: until one does, nothing can be acknowledged.
    `sentinel parallel-syncs ${master.name} 2`,
  ]);
  const announced = [`sentinel announce-ip ${loopback}`, `sentinel announce-port ${options.announcedPort ?? port}`];
  return [`bind ${loopback}`, `port ${port}`, `dir "${folder}"`, "daemonize no", ...announced, ...watched];
}
