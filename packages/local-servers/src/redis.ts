// A Redis server of its own: durability as asked for, loopback only, nothing kept that was not asked for.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

export interface RedisOptions {
  /** Of this server alone: its configuration, log and append-only file. */
  readonly folder: string;
  /** Left out: a free one. */
  readonly port?: number;
  /** When the append-only file is flushed. Left out: there is none, and nothing survives the process. */
  readonly appendfsync?: "always" | "everysec" | "no";
  /** Further lines of the configuration, such as "replicaof 127.0.0.1 7000". */
  readonly settings?: readonly string[];
  /** Sentinels change its configuration while it runs: one that is there already, for this port, is kept as it is. */
  readonly isWatched?: boolean;
}

/**
 * Starts a Redis server on the loopback address and resolves when it answers. It listens on `port`, without a password.
 * @throws {ServerUnavailable} when there is no redis-server and none can be obtained
 * @throws {ServerNotStarted} when it does not come up
 */
export async function startRedis(options: RedisOptions): Promise<ServerProcess> {
  const { folder, appendfsync, settings = [] } = options;
  const binary = await serverBinary("redis-server");
  mkdirSync(folder, { recursive: true });
  return startOnPort(options.port, (port) => {
    const lines = [
      `bind ${loopback}`,
      `port ${port}`,
      `dir "${folder}"`,
      "daemonize no",
      'save ""',
      `appendonly ${appendfsync === undefined ? "no" : "yes"}`,
      `appendfsync ${appendfsync ?? "no"}`,
      ...settings,
    ];
    const file = join(folder, "redis.conf");
    if (options.isWatched === true) keepConfiguration(file, port, lines);
    else writeFileSync(file, `${lines.join("\n")}\n`);
    const answers = (pid: number): Promise<boolean> => redisAnswersAs(port, pid);
    return ServerProcess.start({ name: "redis", binary, args: [file], folder, port, answers });
  });
}

/** Writes a configuration, unless the server has one for this port, which it or others may have changed since. */
export function keepConfiguration(file: string, port: number, lines: readonly string[]): void {
  const isThere = existsSync(file) && readFileSync(file, "utf8").split("\n").includes(`port ${port}`);
  if (!isThere) writeFileSync(file, `${lines.join("\n")}\n`);
}

/** Whether a Redis answers that is this process, and not a stranger on the same port; false while it reads its file. */
export async function redisAnswersAs(port: number, pid: number): Promise<boolean> {
  const received = await converse({
    port,
    text: "PING\r\nINFO server\r\n",
    isComplete: (text) => text.includes("process_id:") || text.startsWith("-"),
    waitMs: 1_000,
  });
  return received !== undefined && received.startsWith("+PONG") && received.includes(`process_id:${pid}\r`);
}
