// What a server promises, asked before anything is entrusted to it.
import type { Durability } from "assent/internal/engine";
import { itemsOf, RedisErrorReply, type RedisPort, type RedisReply } from "./redis-port.ts";
import { serverTime, verifyAndApplyScript } from "./verify-and-apply.ts";

/** A server that cannot keep what this store promises. `code` is stable. Nothing was changed. */
export class UnsuitableServer extends Error {
  readonly code = "unsuitable_server";

  constructor(why: string, options?: ErrorOptions) {
    super(`the server cannot be used: ${why}`, options);
    this.name = "UnsuitableServer";
  }
}

/** What a server promises as it is configured now. */
export interface ServerBounds {
  readonly durability: Durability;
  /** 0: it uses all memory of the machine. */
  readonly memoryBytesMax: number;
}

export interface ServerPromise extends ServerBounds {
  /** The server's time, epoch milliseconds. */
  readonly serverMs: number;
}

/** The first version of the protocol whose scripts and commands are used here. */
const majorVersionMin = 7;

/**
 * Loads the script and finds out how durable an answer is.
 * @throws {UnsuitableServer} {RedisErrorReply} {RepliesLost}
 */
export async function probeServer(port: RedisPort, { replicas }: { replicas: number }): Promise<ServerPromise> {
  const commands = [
    ["PING"],
    ["SCRIPT", "LOAD", verifyAndApplyScript],
    ["TIME"],
    ["INFO", "server"],
    // Asks for nothing: only whether the command exists.
    ...(replicas > 0 ? [["WAIT", "0", "1"]] : []),
  ];
  const [ping, load, time, info, wait] = await port.send(commands);
  for (const reply of [ping, load, time]) if (reply instanceof RedisErrorReply) throw reply;
  if (wait instanceof RedisErrorReply) {
    throw new UnsuitableServer("it does not know WAIT, which acknowledgement by replicas needs", { cause: wait });
  }
  const version = typeof info === "string" ? /^redis_version:(\d+)/m.exec(info)?.[1] : undefined;
  if (version !== undefined && Number(version) < majorVersionMin) {
    throw new UnsuitableServer(`it is of version ${version}; ${majorVersionMin} or later is needed`);
  }
  return { ...(await serverBounds(port, { replicas })), serverMs: serverTime(time ?? null) };
}

const settings = ["appendonly", "appendfsync", "maxmemory-policy", "maxmemory", "min-replicas-to-write"];

/**
 * How durable an answer is as the server is configured now: D2 with replicas to wait for; D1 where every write is in
 * the append-only file before it is answered; D0 otherwise, and where the server does not report it. Also how much the
 * server keeps. One round.
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
  // D2: a master that is cut off takes no writes. Checked on whichever node is master, so also after a promotion.
  if (!(Number(replicasMin) >= replicas)) {
    throw new UnsuitableServer(
      `its min-replicas-to-write is ${replicasMin ?? "not told"}, and ${replicas} or more is needed`,
    );
  }
  return { durability: "D2", memoryBytesMax };
}

/** The value in a reply of CONFIG GET; undefined where the server does not say. */
function settingOf(reply: RedisReply | undefined): string | undefined {
  const value = itemsOf(reply)[1];
  return typeof value === "string" ? value : undefined;
}
