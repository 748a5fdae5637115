// What a test world finds wrong, as errors that say what.
import type { Unfinished } from "../api/unfinished.ts";
import { decisionOf, type TransactionRecord } from "../protocol/index.ts";
import { branchesText, isOnOneSide, type WorldBranch } from "./branch-book.ts";

/** Transactions or branches did not end, however long they were tried. `code` is stable. */
export class NotSettled extends Error {
  readonly code = "not_settled";

  constructor(unfinished: readonly Unfinished[], open: readonly WorldBranch[]) {
    const transactions = unfinished.map(
      ({ transaction, key, state, parked }) =>
        `${transaction} ${key} is ${state}${parked === undefined ? "" : ` (${parked.reason})`}`,
    );
    super(`not everything ended within an hour: ${[...transactions, branchesText(open)].filter(Boolean).join("; ")}`);
    this.name = "NotSettled";
  }
}

/** Branches of one transaction are on different sides, or on another one than its decision. `code` is stable. */
export class NotAtomic extends Error {
  readonly code = "not_atomic";

  constructor(branches: readonly WorldBranch[], decision: string) {
    super(`${branches[0]?.tx ?? ""} is not atomic: ${decision}, and ${branchesText(branches)}`);
    this.name = "NotAtomic";
  }
}

/** @throws {NotAtomic} */
export function checkSides(branches: readonly WorldBranch[], record: TransactionRecord | undefined): void {
  const decision = record && decisionOf(record);
  if (!isOnOneSide(branches, decision)) throw new NotAtomic(branches, record?.state ?? "its record is gone");
}
