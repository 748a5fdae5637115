// What a server promises, asked before anything is entrusted to it.
import type { Durability } from "@assent/store-keyed";
import { RedisErrorReply, type RedisPort, type RedisReply } from "./redis-port.ts";
import { serverTime, verifyAndApplyScript } from "./verify-and-apply.ts";

/** A server that cannot keep what this store promises. `code` is stable. Nothing was changed. */
export class UnsuitableServer extends Error {
  readonly code = "unsuitable_server";

  constructor(why: string, options?: ErrorOptions) {
    super(`the server cannot be used: ${why}`, options);
    this.name = "UnsuitableServer";
  }
}

export interface ServerPromise {
  readonly durability: Durability;
  /** The server's time, epoch milliseconds. */
  readonly serverMs: number;
}

/**
 * Loads the script and finds out how durable an answer is: D2 with replicas to wait for; D1 where every write is in the
 * append-only file before it is answered; D0 otherwise, and where the server does not say.
 * @throws {UnsuitableServer} {RedisErrorReply} {RepliesLost}
 */
export async function probeServer(port: RedisPort, { replicas }: { replicas: number }): Promise<ServerPromise> {
  const names = ["appendonly", "appendfsync", "maxmemory-policy", "maxmemory", "min-replicas-to-write"];
  const replies = await port.send([
    ["PING"],
    ["SCRIPT", "LOAD", verifyAndApplyScript],
    ["TIME"],
    ["ROLE"],
    ...names.map((name) => ["CONFIG", "GET", name]),
    // Asks for nothing: only whether the command exists.
    ...(replicas > 0 ? [["WAIT", "0", "1"]] : []),
  ]);
  const [ping, load, time, role, ...others] = replies.map((reply) => reply);
  for (const reply of [ping, load, time]) if (reply instanceof RedisErrorReply) throw reply;
  const wait = others[names.length];
  if (wait instanceof RedisErrorReply) {
    throw new UnsuitableServer("it does not know WAIT, which acknowledgement by replicas needs", { cause: wait });
  }
  if (Array.isArray(role) && role[0] === "slave") throw new UnsuitableServer("it is a replica");
  const [appendOnly, appendSync, policy, memory, replicasMin] = names.map((_, index) => settingOf(others[index]));
  if (policy?.startsWith("allkeys-") === true && memory !== "0") {
    throw new UnsuitableServer(`it evicts records when memory runs out (maxmemory-policy ${policy}); use noeviction`);
  }
  const serverMs = serverTime(time ?? null);
  if (replicas > 0) {
    // A master that is started again before it is replaced must not come back with less than its replicas have.
    if (appendOnly !== "yes" || appendSync !== "always") {
      throw new UnsuitableServer("replicated durability needs appendonly yes and appendfsync always on every node");
    }
    // D2: a master that was cut off takes no writes, whichever node it is. Asked on each, so also after a promotion.
    if (!(Number(replicasMin) >= replicas)) {
      throw new UnsuitableServer(
        `its min-replicas-to-write is ${replicasMin ?? "not told"}, and ${replicas} or more is needed`,
      );
    }
    return { durability: "D2", serverMs };
  }
  return { durability: appendOnly === "yes" && appendSync === "always" ? "D1" : "D0", serverMs };
}

/** The value in a reply of CONFIG GET; undefined where the server does not say. */
function settingOf(reply: RedisReply | undefined): string | undefined {
  const value = Array.isArray(reply) ? (reply as readonly RedisReply[])[1] : undefined;
  return typeof value === "string" ? value : undefined;
}
