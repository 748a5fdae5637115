// What an error reply says about the records. The server refuses a script as a whole at its first write, or does not
// begin it: https://redis.io/docs/latest/develop/programmability/eval-intro/
import type { RedisErrorReply } from "./redis-port.ts";

/**
 * - `full`: no room, nothing was changed.
 * - `elsewhere`: this server does not take it now, nothing was changed; the same may go well over a new connection.
 * - `refused`: nothing was changed, and asking again would not help.
 * - `unknown`: the script may have been interrupted.
 */
export type Refusal = "full" | "elsewhere" | "refused" | "unknown";

const refusals: Readonly<Record<string, Refusal>> = {
  OOM: "full",
  // The server's writes to its disk fail.
  MISCONF: "full",
  READONLY: "elsewhere",
  LOADING: "elsewhere",
  MASTERDOWN: "elsewhere",
  CLUSTERDOWN: "elsewhere",
  TRYAGAIN: "elsewhere",
  BUSY: "elsewhere",
  // The replicas may be about to follow, or another server to take its place.
  NOREPLICAS: "elsewhere",
  MOVED: "refused",
  ASK: "refused",
  NOAUTH: "refused",
  NOSCRIPT: "refused",
  CROSSSLOT: "refused",
  WRONGPASS: "refused",
};

export function refusalOf({ code }: RedisErrorReply): Refusal {
  return refusals[code] ?? "unknown";
}
