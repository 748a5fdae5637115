// A separate Redis server: durability as requested, on loopback only, with no other persistence.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { converseWithRedis, type RedisAddress } from "./redis-conversation.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";

export interface RedisOptions {
  /** Used by this server only: its configuration, log and append-only file. */
  readonly folder: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Password of this server and of the master that it follows, letters and digits; default: none is required. */
  readonly password?: string;
  /** Memory limit in bytes; beyond it the server refuses writes and never evicts. Default: no limit. */
  readonly memoryBytesMax?: number;
  /** When the append-only file is flushed. Default: there is no file, and nothing survives the process. */
  readonly appendfsync?: "always" | "everysec" | "no";
  /** Further lines of the configuration, such as "replicaof 127.0.0.1 7000". */
  readonly settings?: readonly string[];
  /** Sentinels change its configuration while it runs: an existing one for this port is kept. */
  readonly isWatched?: boolean;
}

/** Path within the server's folder. */
export const configurationFile = "redis.conf";

/**
 * Starts a Redis server on the loopback address and resolves when it answers. It listens on `port`.
 * @throws {ServerUnavailable} if there is no redis-server and it cannot be obtained
 * @throws {ServerNotStarted} if it does not start
 */
export async function startRedis(options: RedisOptions): Promise<ServerProcess> {
  const { folder, appendfsync, password, memoryBytesMax = 0, settings = [] } = options;
  const binary = await serverBinary("redis-server");
  makePrivateFolder(folder);
  return startOnPort(options.port, (port) => {
    const lines = [
      `bind ${loopback}`,
      `port ${port}`,
      `dir "${folder}"`,
      "daemonize no",
      'save ""',
      `appendonly ${appendfsync === undefined ? "no" : "yes"}`,
      `appendfsync ${appendfsync ?? "no"}`,
      "maxmemory-policy noeviction",
      `maxmemory ${memoryBytesMax}`,
      ...settings,
    ];
    const file = join(folder, configurationFile);
    const secrets = password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`];
    if (options.isWatched === true) keepConfiguration(file, port, { lines, secrets });
    else writeFileSync(file, `${[...lines, ...secrets].join("\n")}\n`, { mode: 0o600 });
    const answers = (pid: number): Promise<boolean> => redisAnswersAs({ port, password }, pid);
    const secret = password === undefined ? {} : { password };
    return ServerProcess.start({ name: "redis", binary, args: [file], folder, port, ...secret, answers });
  });
}

interface Configuration {
  readonly lines: readonly string[];
  /** The settings of this start, added to a kept configuration that lacks them. */
  readonly secrets: readonly string[];
}

/**
 * Writes a configuration, unless the server has one for this port, which it or others may have changed since. A kept
 * configuration without a password gets one: such a server has recorded there that it requires none. Its folder is set
 * to the given one, also if it was copied from another.
 */
export function keepConfiguration(file: string, port: number, { lines, secrets }: Configuration): void {
  const kept = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  const isThere = kept.includes(`port ${port}`);
  const isGuarded = kept.some((line) => line.startsWith("requirepass "));
  const unguarded = isThere ? kept.filter((line) => !line.startsWith("user default ")) : lines;
  const all = isThere && isGuarded ? kept : [...unguarded, ...secrets];
  const isOfFolder = (line: string): boolean => line.startsWith("dir ");
  const here = [...lines.filter(isOfFolder), ...all.filter((line) => !isOfFolder(line))];
  writeFileSync(file, `${here.join("\n")}\n`, { mode: 0o600 });
}

/** Whether the answering Redis is this process and not another one; false while it loads its file. */
export async function redisAnswersAs(address: RedisAddress, pid: number): Promise<boolean> {
  const received = await converseWithRedis(address, {
    text: "PING\r\nINFO server\r\n",
    isComplete: (text) => text.includes("process_id:") || text.startsWith("-"),
    waitMs: 1_000,
  });
  return received !== undefined && received.startsWith("+PONG") && received.includes(`process_id:${pid}\r`);
}
