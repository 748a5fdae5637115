// The ledger as a participant, built with the public kit and nothing private: entries move on their accounts all
// together or not at all.
import type { BranchHandler, BranchStep, Tables } from "@assent/orchestrator";
import { amountMax, invariant, isJsonObject, type Json, type OperationResult } from "@assent/protocol";
import { type Account, hold, isAmount, refund, releaseHeld, spend, spendHeld } from "./account.ts";
import { readAccount, writeAccount } from "./account-table.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What a branch of the ledger is asked to do: take these amounts from these accounts. */
export interface LedgerPayload {
  readonly entries: readonly (readonly [accountId: string, amount: number])[];
}

/** What a refusal is called by the service whose accounts these are. */
export interface LedgerReasons {
  readonly insufficient: string;
  readonly absent: string;
}

/** Entries of one branch at most. */
export const ledgerEntriesMax = 1_000;

type Entries = ReadonlyMap<string, number>;

export function ledgerHandler(reasons: LedgerReasons): BranchHandler<Tables> {
  const line = new WaitingLine();
  return {
    prepare(step) {
      const wanted = readPayload(step.payload);
      if (wanted === undefined) return { kind: "refused", reason: "invalid_payload" };
      const verdict = weigh(step, wanted, { line, reasons });
      for (const [accountId, amount] of wanted) {
        if (verdict === "contended") line.join(accountId, step.txId, { amount, seenAt: step.now });
        else line.leave(accountId, step.txId);
      }
      if (verdict === "contended") return { kind: "contended" };
      return verdict ?? { kind: "ok", memo: take(step.view, wanted, hold) };
    },

    execute: (step) => spendNow(step, reasons),
    reapply: (step) => spendNow(step, reasons),

    commit: (step) => settle(step, spendHeld),
    abort: (step) => settle(step, releaseHeld),
    compensate: (step) => settle(step, refund),
  };
}

/** Undefined when all of it can be held now; `contended` when it could be, if outstanding holds were released (P10). */
function weigh(
  { view, txId, now }: BranchStep<Tables>,
  wanted: Entries,
  { line, reasons }: { line: WaitingLine; reasons: LedgerReasons },
): OperationResult | "contended" | undefined {
  let contended = false;
  for (const [accountId, amount] of wanted) {
    const account = readAccount(view, accountId);
    if (account === undefined) return { kind: "refused", reason: reasons.absent };
    if (account.available + account.held < amount) return { kind: "refused", reason: reasons.insufficient };
    contended ||= account.available - line.ahead(accountId, txId, now) < amount;
  }
  return contended ? "contended" : undefined;
}

function spendNow({ view, payload }: BranchStep<Tables>, reasons: LedgerReasons): OperationResult {
  const wanted = readPayload(payload);
  if (wanted === undefined) return { kind: "refused", reason: "invalid_payload" };
  for (const [accountId, amount] of wanted) {
    const account = readAccount(view, accountId);
    if (account === undefined) return { kind: "refused", reason: reasons.absent };
    if (account.available < amount) return { kind: "refused", reason: reasons.insufficient };
  }
  return { kind: "ok", memo: take(view, wanted, spend) };
}

/** Moves every entry and answers the generations that were moved, by account. */
function take(view: Tables, wanted: Entries, move: (account: Account, amount: number) => Account): Json {
  const generations: (readonly [accountId: string, generation: string])[] = [];
  for (const [accountId, amount] of wanted) {
    const account = readAccount(view, accountId);
    invariant(account !== undefined, "S2", `account ${accountId} was there a moment ago`);
    writeAccount(view, accountId, move(account, amount));
    generations.push([accountId, account.generation]);
  }
  return Object.fromEntries(generations);
}

/** Settles what this branch took. An account that was seeded again since then owes it nothing. */
function settle(
  { view, payload, memo }: BranchStep<Tables>,
  move: (account: Account, amount: number) => Account,
): OperationResult {
  const taken = readPayload(payload);
  invariant(taken !== undefined && isJsonObject(memo), "P9", "a yes vote has its payload and its memo");
  for (const [accountId, amount] of taken) {
    const account = readAccount(view, accountId);
    if (account === undefined || account.generation !== memo[accountId]) continue;
    writeAccount(view, accountId, move(account, amount));
  }
  return { kind: "ok" };
}

/** The amounts by account, summed; undefined for anything that is not a payload. */
function readPayload(payload: Json): Entries | undefined {
  if (!isJsonObject(payload) || !Array.isArray(payload["entries"])) return undefined;
  const entries = payload["entries"] as readonly Json[];
  if (entries.length === 0 || entries.length > ledgerEntriesMax) return undefined;
  const sums = new Map<string, number>();
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2) return undefined;
    const [accountId, amount] = entry as readonly Json[];
    if (typeof accountId !== "string" || !isAmount(amount)) return undefined;
    const sum = (sums.get(accountId) ?? 0) + amount;
    if (sum > amountMax) return undefined;
    sums.set(accountId, sum);
  }
  return sums;
}
