// The results of `run`.
import type { JsonObject, Outcome } from "../protocol/index.ts";
import type { Row } from "../ports/transaction-log.ts";

/** How long a caller should wait before it repeats the call. */
export const comeBackAfterMs = 1_000;

export type RunResult =
  /** `repeated`: committed by an earlier call; nothing was done now. `outputs`: what branches returned, by branch. */
  | { readonly kind: "committed"; readonly txId: string; readonly repeated: boolean; readonly outputs?: JsonObject }
  /** `step`: the one that the abort is due to, where one is. */
  | { readonly kind: "aborted"; readonly txId: string; readonly reason: string; readonly step?: string }
  /** Not known yet; it may still commit. Ask again with the same key. */
  | { readonly kind: "pending"; readonly retryAfterMs: number }
  /** The key belongs to another definition; nothing was done, and its outcome is not reported. */
  | { readonly kind: "key_reused"; readonly definition: string }
  /** There is no such key; nothing was done. */
  | { readonly kind: "absent" }
  /** The row does not meet the conditions of the definition; nothing was done. */
  | { readonly kind: "unmet"; readonly row: Row }
  /** Nothing was claimed or sent, nor looked at: an earlier call may have committed. */
  | { readonly kind: "overloaded"; readonly retryAfterMs: number }
  /** The log could not be written or read: nothing was begun. An earlier call may have committed. */
  | { readonly kind: "store_unavailable"; readonly retryAfterMs: number }
  /** Nothing was claimed or sent, and no earlier call has committed, or may still. */
  | { readonly kind: "service_unavailable"; readonly service: string; readonly retryAfterMs: number };

/** An attempt is durable; it is driven from now on. */
export interface Started {
  readonly kind: "started";
  readonly txId: string;
}

/** No attempt has begun. */
export interface NothingBegun {
  readonly kind: "none";
}

export const pending: RunResult = { kind: "pending", retryAfterMs: comeBackAfterMs };

export function repeatedly(txId: string, outputs: JsonObject | undefined): RunResult {
  return { kind: "committed", txId, repeated: true, ...(outputs !== undefined && { outputs }) };
}

export function resultOf(txId: string, outcome: Outcome, repeated: boolean): RunResult {
  return outcome.kind === "committed" ? { txId, repeated, ...outcome } : { txId, ...outcome };
}
