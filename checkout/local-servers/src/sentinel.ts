// A separate Redis Sentinel, on loopback only: watches masters and their replicas, and promotes one if a master dies.
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { keepConfiguration, redisAnswersAs } from "./redis.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";

export interface WatchedMaster {
  readonly name: string;
  /** Its port when the topology was created; later the sentinels' own record counts. */
  readonly port: number;
}

export interface SentinelOptions {
  /** Used by this sentinel only: its learned state is kept there. */
  readonly folder: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Port on which others reach it, if not its own. */
  readonly announcedPort?: number;
  readonly masters: readonly WatchedMaster[];
  /** Password of the sentinels and of the servers that they watch; default: none is required. */
  readonly password?: string;
  /** How many sentinels must consider a master dead before one of them, elected by a majority, acts. */
  readonly quorum: number;
  /** Silence after which a sentinel considers a master dead. */
  readonly downAfterMs: number;
  /** Time limit of one failover before another is tried; twice this must pass between two of one master. */
  readonly failoverTimeoutMs: number;
}

/**
 * Starts a sentinel on the loopback address and resolves when it answers.
 * @throws {ServerUnavailable} if there is no redis-server and it cannot be obtained
 * @throws {ServerNotStarted} if it does not start
 */
export async function startSentinel(options: SentinelOptions): Promise<ServerProcess> {
  const { folder, password } = options;
  const binary = await serverBinary("redis-server");
  makePrivateFolder(folder);
  return startOnPort(options.port, (port) => {
    const file = join(folder, "sentinel.conf");
    // The sentinel writes its learned state to it. A restarted sentinel must not forget a failover.
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
