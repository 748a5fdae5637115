// C1, C2, C4, C7, R2, R4 on transaction records and their rows, at each commit.
import type { Row } from "assent/internal/ports";
import {
  type BranchRecord,
  type BranchSpec,
  type BranchState,
  decisionOf,
  isBackwardFinal,
  isEnded,
  isForwardFinal,
  parseTransactionId,
  shouldAsk,
  type TransactionRecord,
  type TransactionState,
} from "assent/internal/protocol";
import type { Report } from "./violation.ts";

/** What a log checker may read besides the change itself. */
export interface LogSurroundings {
  /** The row of the record, after the commit. */
  readonly row: Row | undefined;
  readonly isIndexed: boolean;
  readonly branches: readonly BranchSpec[];
  readonly branch: (txId: string, spec: BranchSpec) => BranchRecord | undefined;
  /** The final state of a branch, even if its record has been removed. */
  readonly final: (txId: string, spec: BranchSpec) => BranchState | undefined;
}

const next: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  active: ["active", "committing", "aborting"],
  committing: ["committing", "committed"],
  aborting: ["aborting", "aborted"],
  committed: [],
  aborted: [],
};

export function checkRecord(
  { before, after }: { before: TransactionRecord | undefined; after: TransactionRecord },
  around: LogSurroundings,
  reportAny: Report,
): void {
  const { txId } = after;
  const report = (rule: string, text: string): void => reportAny({ rule, text, txId });
  if (around.isIndexed === isEnded(after))
    report("R4", `${after.state} and ${around.isIndexed ? "" : "not "}in the index`);
  if (before === undefined) return;
  if (!next[before.state].includes(after.state)) report("C2", `went from ${before.state} to ${after.state}`);
  if (before.owner !== after.owner && after.epoch <= before.epoch)
    report("R2", `changed its owner at epoch ${after.epoch}`);
  if (after.epoch < before.epoch) report("R2", `went back to epoch ${after.epoch}`);
  if (before.protocol !== after.protocol) report("C7", `changed from ${before.protocol} to ${after.protocol}`);
  if (before.begunAt !== after.begunAt) report("P7", "changed when it began");
  if (before.state === "active" && after.state === "committing") checkCommit(after, around, report);
  if (before.state === "active" && after.state === "aborting") checkRow(after, around, report);
  if (!isEnded(before) && isEnded(after)) checkEnd(after, around, report);
}

/** P7: an outcome is removed when four times `maxAgeMs` have passed since its end, and no branch would ask about it. */
export function checkRemoved(
  record: TransactionRecord,
  { branches, branch, now, maxAgeMs }: RemovalSurroundings,
  report: Report,
): void {
  const { txId, state, changedAt } = record;
  if (!isEnded(record)) return report({ rule: "S7", text: `was removed in state ${state}`, txId });
  const keptMs = now - changedAt;
  if (keptMs < 4 * maxAgeMs) report({ rule: "P7", text: `was removed ${keptMs} ms after its end`, txId });
  for (const spec of branches) {
    const left = branch(txId, spec);
    if (left !== undefined && shouldAsk(left)) {
      report({ rule: "P7", text: `its outcome was removed before ${spec.branchId} had forgotten`, txId });
    }
  }
}

type RemovalSurroundings = Pick<LogSurroundings, "branches" | "branch"> & {
  readonly now: number;
  readonly maxAgeMs: number;
};

type RuleReport = (rule: string, text: string) => void;

function checkCommit(record: TransactionRecord, around: LogSurroundings, report: RuleReport): void {
  const states = around.branches.map((spec) => around.branch(record.txId, spec)?.state);
  const proved = states.some((state) => state !== undefined && isForwardFinal(state));
  around.branches.forEach(({ branchId }, index) => {
    const state = states[index];
    if (state === undefined ? !proved : isBackwardFinal(state)) {
      report("C1", `decided to commit while ${branchId} is ${state ?? "missing"}`);
    }
  });
  checkRow(record, around, report);
}

/** C4: the row agrees with the record from the same commit on. */
function checkRow(record: TransactionRecord, { row }: LogSurroundings, report: RuleReport): void {
  const { incarnation, attempt } = parseTransactionId(record.txId);
  const isOfRecord = row?.incarnation === incarnation && row.attempt === attempt;
  const expected = decisionOf(record) === "commit" ? "committed" : "aborted";
  if (isOfRecord ? row.outcome !== expected : expected === "committed") {
    report("C4", `decided ${expected} while its row is ${row === undefined ? "missing" : row.outcome}`);
  }
}

function checkEnd(record: TransactionRecord, around: LogSurroundings, report: RuleReport): void {
  const forward = decisionOf(record) === "commit";
  for (const spec of around.branches) {
    // P7: a record rebuilt after its lifetime finds branches that have forgotten and are gone.
    const gone = record.rebuilt === true ? around.final(record.txId, spec) : undefined;
    const state = around.branch(record.txId, spec)?.state ?? gone;
    const isDone = forward
      ? state !== undefined && isForwardFinal(state)
      : state === undefined || isBackwardFinal(state);
    if (!isDone) report("R4", `ended while ${spec.branchId} is ${state ?? "missing"}`);
  }
}
