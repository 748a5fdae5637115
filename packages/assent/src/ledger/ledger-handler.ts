// The ledger as a participant, built with the public kit and nothing private: entries move on their accounts all
// together or not at all.
import type { BranchHandler, BranchStep } from "../participant/index.ts";
import type { Tables } from "../ports/index.ts";
import {
  amountMax,
  fieldOf,
  invariant,
  isJsonList,
  isJsonObject,
  isName,
  type Json,
  type ActionResult,
} from "../protocol/index.ts";
import { type Account, hold, isAmount, refund, releaseHeld, spend, spendHeld } from "./account.ts";
import { readAccount, writeAccount } from "./account-table.ts";
import { refundReplaced, releaseReplaced, spendReplaced } from "./replaced-amounts.ts";
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

type Amounts = ReadonlyMap<string, number>;

/** An account as it is, and what is wanted of it. */
interface Wanted {
  readonly accountId: string;
  readonly amount: number;
  readonly account: Account;
}

export function ledgerHandler(reasons: LedgerReasons): BranchHandler<Tables> {
  const line = new WaitingLine();
  const spendNow = (step: BranchStep<Tables>): ActionResult => {
    const wanted = readWanted(step, reasons);
    if ("kind" in wanted) return wanted;
    if (wanted.some(({ account, amount }) => account.available < amount)) {
      return { kind: "refused", reason: reasons.insufficient };
    }
    return { kind: "ok", memo: take(step.view, wanted, spend) };
  };
  return {
    prepare(step) {
      const wanted = readWanted(step, reasons);
      if ("kind" in wanted) return wanted;
      const verdict = weigh(step, wanted, line);
      for (const { accountId, amount } of wanted) {
        if (verdict === "contended") line.join(accountId, nameOf(step), { amount, seenAt: step.now });
        else line.leave(accountId, nameOf(step));
      }
      if (verdict === "contended") return { kind: "contended" };
      if (verdict === "insufficient") return { kind: "refused", reason: reasons.insufficient };
      return { kind: "ok", memo: take(step.view, wanted, hold) };
    },

    execute: spendNow,
    reapply: spendNow,

    commit: (step) => settle(step, { move: spendHeld, moveReplaced: spendReplaced }),
    abort: (step) => settle(step, { move: releaseHeld, moveReplaced: releaseReplaced }),
    compensate: (step) => settle(step, { move: refund, moveReplaced: refundReplaced }),
  };
}

/** What is wanted, or why it can never be had. */
function readWanted(
  { view, payload }: BranchStep<Tables>,
  reasons: LedgerReasons,
): readonly Wanted[] | Extract<ActionResult, { kind: "refused" }> {
  const amounts = readAmounts(payload);
  if (amounts === undefined) return { kind: "refused", reason: "invalid_payload" };
  const wanted: Wanted[] = [];
  for (const [accountId, amount] of amounts) {
    const account = readAccount(view, accountId);
    if (account === undefined) return { kind: "refused", reason: reasons.absent };
    wanted.push({ accountId, amount, account });
  }
  return wanted;
}

/** `contended` when it could be held if outstanding holds were released (P10). */
function weigh(
  step: BranchStep<Tables>,
  wanted: readonly Wanted[],
  line: WaitingLine,
): "enough" | "contended" | "insufficient" {
  let verdict: "enough" | "contended" = "enough";
  for (const { accountId, amount, account } of wanted) {
    if (account.available + account.held < amount) return "insufficient";
    if (account.available - line.ahead(accountId, nameOf(step), step.now) < amount) verdict = "contended";
  }
  return verdict;
}

const nameOf = ({ txId, branchId }: BranchStep<Tables>): string => `${txId}/${branchId}`;

/** Moves every entry and answers the generations that were moved, by account. */
function take(view: Tables, wanted: readonly Wanted[], move: (account: Account, amount: number) => Account): Json {
  for (const { accountId, amount, account } of wanted) writeAccount(view, accountId, move(account, amount));
  return Object.fromEntries(wanted.map(({ accountId, account }) => [accountId, account.generation]));
}

interface Settlement {
  readonly move: (account: Account, amount: number) => Account;
  readonly moveReplaced: (view: Tables, accountId: string, amount: number) => void;
}

/** Settles what this branch took. An account that was seeded again since then owes it nothing. */
function settle({ view, payload, memo }: BranchStep<Tables>, { move, moveReplaced }: Settlement): ActionResult {
  const taken = readAmounts(payload);
  invariant(taken !== undefined && isJsonObject(memo), "P9", "a yes vote has its payload and its memo");
  for (const [accountId, amount] of taken) {
    const account = readAccount(view, accountId);
    if (account === undefined) continue;
    if (account.generation === memo[accountId]) writeAccount(view, accountId, move(account, amount));
    else moveReplaced(view, accountId, amount);
  }
  return { kind: "ok" };
}

/** The amounts by account, summed; undefined for anything that is not a payload. */
function readAmounts(payload: Json): Amounts | undefined {
  const entries = fieldOf(payload, "entries");
  if (!isJsonList(entries) || entries.length === 0 || entries.length > ledgerEntriesMax) return undefined;
  const sums = new Map<string, number>();
  for (const entry of entries) {
    if (!isJsonList(entry) || entry.length !== 2) return undefined;
    const [accountId, amount] = entry;
    if (!isName(accountId) || !isAmount(amount)) return undefined;
    const sum = (sums.get(accountId) ?? 0) + amount;
    if (sum > amountMax) return undefined;
    sums.set(accountId, sum);
  }
  return sums;
}
