// The answer to a caller whose attempt has not begun.
import { transactionId } from "../protocol/index.ts";
import { foreignTo } from "../ports/key-owner.ts";
import type { BeginRequest, Row } from "../ports/transaction-log.ts";
import { outputsOf } from "./outputs.ts";
import { comeBackAfterMs, pending, repeatedly, type RunResult } from "./run-result.ts";

/** The outcome of earlier attempts at a key, where that is the answer. */
export function answerKnown(row: Row | undefined, request: BeginRequest): RunResult | undefined {
  const foreign = row && foreignTo(row, request);
  if (foreign !== undefined) return foreign;
  if (row?.outcome === "committed") return repeatedly(transactionId(row), outputsOf(row));
  return row?.outcome === "pending" ? pending : undefined;
}

export type StoreUnavailable = Extract<RunResult, { kind: "store_unavailable" }>;

/** Nothing was begun by this call; earlier attempts were not looked at. */
export const storeUnavailable: StoreUnavailable = { kind: "store_unavailable", retryAfterMs: comeBackAfterMs };

/** Whether the log is sure that it has written nothing. */
export function changedNothing(error: unknown): boolean {
  return error instanceof Error && "changed" in error && error.changed === "nothing";
}
