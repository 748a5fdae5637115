// What is known about a key: reads the log and begins nothing.
import { type Outcome, transactionId } from "../protocol/index.ts";
import { foreignTo } from "../ports/key-owner.ts";
import type { TransactionLog } from "../ports/transaction-log.ts";

export type TransactionStatus =
  /** Nothing has been begun. */
  | { readonly kind: "none" }
  /** Under way, or not known yet; it may still commit. */
  | { readonly kind: "pending"; readonly txId: string; readonly attempt: number }
  | { readonly kind: "committed"; readonly txId: string; readonly attempt: number }
  /** The latest attempt; `run` would begin another. */
  | { readonly kind: "aborted"; readonly txId: string; readonly attempt: number; readonly reason: string }
  /** The key belongs to another definition. */
  | { readonly kind: "key_reused"; readonly definition: string };

export interface StatusSources {
  readonly log: Pick<TransactionLog, "peek" | "read">;
  /** The result that the driver of an attempt in this process would report now; undefined without one, or too early. */
  readonly outcomeHere: (txId: string) => Promise<Outcome | undefined>;
}

/** Rejects when the log does not answer; the outcome is then unknown. */
export async function readStatus(
  { log, outcomeHere }: StatusSources,
  { key, definition }: { key: string; definition: string },
): Promise<TransactionStatus> {
  const row = await log.peek(key);
  if (row === undefined) return { kind: "none" };
  const foreign = foreignTo(row, { definition });
  if (foreign?.kind === "key_reused") return foreign;
  if (row.outcome === "none") return { kind: "none" };
  const named = { txId: transactionId(row), attempt: row.attempt };
  if (row.outcome !== "aborted") return { kind: row.outcome, ...named };
  // C5: an abort is reported once a branch has proved that the attempt cannot commit.
  const isProved = (await log.read(named.txId))?.state !== "aborting" || (await outcomeHere(named.txId)) !== undefined;
  return isProved ? { kind: "aborted", ...named, reason: row.reason ?? "aborted" } : { kind: "pending", ...named };
}
