// The meaning of an error reply for the records. The server refuses a script as a whole at its first write, or does not
// start it: https://redis.io/docs/latest/develop/programmability/eval-intro/
import type { RedisErrorReply } from "./redis-port.ts";

/**
 * - `full`: no space, nothing was changed.
 * - `elsewhere`: this server does not accept it now, nothing was changed; it may succeed over a new connection.
 * - `refused`: nothing was changed, and a retry would not help.
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
  // The replicas may be about to follow, or another server to take over.
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
