// The durability and settings of a server, checked before it is used.
import type { Durability } from "assent/internal/engine";
import { itemsOf, RedisErrorReply, type RedisPort, type RedisReply } from "./redis-port.ts";
import { serverTime, verifyAndApplyScript } from "./verify-and-apply.ts";

/** A server that cannot provide what this store needs. `code` is stable. Nothing was changed. */
export class UnsuitableServer extends Error {
  readonly code = "unsuitable_server";

  constructor(why: string, options?: ErrorOptions) {
    super(`the server cannot be used: ${why}`, options);
    this.name = "UnsuitableServer";
  }
}

/** The guarantees of a server as configured now. */
export interface ServerBounds {
  readonly durability: Durability;
  /** Memory limit in bytes; 0: none. */
  readonly memoryBytesMax: number;
}

export interface ServerPromise extends ServerBounds {
  /** The server's time, epoch milliseconds. */
  readonly serverMs: number;
}

/** The first version of the protocol whose scripts and commands are used here. */
const majorVersionMin = 7;

/**
 * Loads the script and determines the durability of an answer.
 * @throws {UnsuitableServer} {RedisErrorReply} {RepliesLost}
 */
export async function probeServer(port: RedisPort, { replicas }: { replicas: number }): Promise<ServerPromise> {
  const commands = [
    ["PING"],
    ["SCRIPT", "LOAD", verifyAndApplyScript],
    ["TIME"],
    ["INFO", "server"],
    // Only checks whether the command exists.
    ...(replicas > 0 ? [["WAIT", "0", "1"]] : []),
  ];
  const [ping, load, time, info, wait] = await port.send(commands);
  for (const reply of [ping, load, time]) if (reply instanceof RedisErrorReply) throw reply;
  if (wait instanceof RedisErrorReply) {
    throw new UnsuitableServer("it has no WAIT command, which is needed for acknowledgement by replicas", {
      cause: wait,
    });
  }
  const version = typeof info === "string" ? /^redis_version:(\d+)/m.exec(info)?.[1] : undefined;
  if (version !== undefined && Number(version) < majorVersionMin) {
    throw new UnsuitableServer(`it has version ${version}; ${majorVersionMin} or later is needed`);
  }
  return { ...(await serverBounds(port, { replicas })), serverMs: serverTime(time ?? null) };
}

const settings = ["appendonly", "appendfsync", "maxmemory-policy", "maxmemory", "min-replicas-to-write"];

/**
 * The durability of an answer with the current settings: D2 with replicas to wait for; D1 if every write is in the
 * append-only file before it is answered; D0 otherwise, and if the server does not report it. Also the memory limit of
 * the server. One round.
 * @throws {UnsuitableServer} {RepliesLost}
 */
export async function serverBounds(port: RedisPort, { replicas }: { replicas: number }): Promise<ServerBounds> {
  const [role, ...replies] = await port.send([["ROLE"], ...settings.map((name) => ["CONFIG", "GET", name])]);
  if (Array.isArray(role) && role[0] === "slave") throw new UnsuitableServer("it is a replica");
  const [appendOnly, appendSync, policy, memory, replicasMin] = replies.map(settingOf);
  if (policy?.startsWith("allkeys-") === true && memory !== "0") {
    throw new UnsuitableServer(`it evicts records when memory runs out (maxmemory-policy ${policy}); use noeviction`);
  }
  const isFlushed = appendOnly === "yes" && appendSync === "always";
  const memoryBytesMax = Number(memory ?? 0);
  if (replicas === 0) return { durability: isFlushed ? "D1" : "D0", memoryBytesMax };
  // A master that restarts before it is replaced must not come back with less data than its replicas have.
  if (!isFlushed) {
    throw new UnsuitableServer("replicated durability needs appendonly yes and appendfsync always on every node");
  }
  // D2: a master that is cut off accepts no writes. Checked on the current master, so also after a promotion.
  if (!(Number(replicasMin) >= replicas)) {
    throw new UnsuitableServer(
      `its min-replicas-to-write is ${replicasMin ?? "unknown"}, but ${replicas} or more is needed`,
    );
  }
  return { durability: "D2", memoryBytesMax };
}

/** The value in a reply of CONFIG GET; undefined if the server does not report it. */
function settingOf(reply: RedisReply | undefined): string | undefined {
  const value = itemsOf(reply)[1];
  return typeof value === "string" ? value : undefined;
}
