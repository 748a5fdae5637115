// C2, C4, C6, R2, S4 at each write to the log, inside the step: the writer, and the record before it.
import type {
  BeginRequest,
  BeginResult,
  DecideRequest,
  OwnedRequest,
  Row,
  RowWrite,
  TakeOverRequest,
} from "assent/internal/ports";
import { parseTransactionId, type TransactionRecord, type TransactionState } from "assent/internal/protocol";
import type { Report } from "./violation.ts";

/** A step of the log: the record and the row that it is about, before it. */
export interface LogStep<Request, Result> {
  readonly record: TransactionRecord | undefined;
  readonly row: Row | undefined;
  readonly request: Request;
  readonly result: Result;
}

type Written = { readonly kind: string };

/** S4: a key has one attempt at a time, none after a success, and all of one definition. */
export function checkBegin({ row, result }: LogStep<unknown, BeginResult>, report: Report): void {
  if (result.kind !== "begun" || row === undefined) return;
  const { txId, definition } = result.record;
  if (row.outcome === "pending" || row.outcome === "committed") {
    report({ rule: "S4", text: `began while attempt ${row.attempt} was ${row.outcome}`, txId });
  }
  if (row.definition !== undefined && row.definition !== definition) {
    report({ rule: "S4", text: `began ${definition} under a key of ${row.definition}`, txId });
  }
}

/** S4: attempts of an incarnation are numbered from 1, without gaps or repeats. */
export function checkAttempt({ row, request, result }: LogStep<BeginRequest, BeginResult>, report: Report): void {
  if (result.kind !== "begun") return;
  const { txId } = result.record;
  const { key, incarnation, attempt } = parseTransactionId(txId);
  const expected = {
    key: request.key,
    incarnation: row?.incarnation ?? request.create?.incarnation,
    attempt: (row?.attempt ?? 0) + 1,
  };
  if (key !== expected.key || incarnation !== expected.incarnation || attempt !== expected.attempt) {
    report({ rule: "S4", text: `began ${txId} instead of attempt ${expected.attempt}`, txId });
  }
}

/** C4: a row does not change during an attempt, or after it is paid. */
export function checkRowChange(row: Row | undefined, result: RowWrite, report: Report): void {
  if (result.kind !== "changed" || (row?.outcome !== "pending" && row?.outcome !== "committed")) return;
  report({ rule: "C4", text: `row ${row.key} was changed while attempt ${row.attempt} was ${row.outcome}` });
}

/** R5: a lost record is rebuilt in the state that its row proves, and in no other. */
export function checkRebuild(
  {
    before,
    after,
    row,
  }: { before: TransactionRecord | undefined; after: TransactionRecord | undefined; row: Row | undefined },
  report: Report,
): void {
  if (before !== undefined || after === undefined) return;
  const expected = stateProvedBy(row, after.txId);
  if (after.state === expected) return;
  const known = row === undefined ? "missing" : `${row.outcome} by attempt ${row.attempt}`;
  report({ rule: "R5", text: `was rebuilt ${after.state} while its row is ${known}`, txId: after.txId });
}

function stateProvedBy(row: Row | undefined, txId: string): TransactionState {
  const { incarnation, attempt } = parseTransactionId(txId);
  if (row === undefined || row.incarnation !== incarnation) return "active";
  if (row.attempt > attempt) return "aborting";
  if (row.attempt < attempt) return row.outcome === "committed" ? "aborting" : "active";
  if (row.outcome === "committed") return "committing";
  return row.outcome === "aborted" ? "aborting" : "active";
}

/** C2: only the owner decides, and only once. C4: it decides the row of its own attempt, and no other. */
export function checkDecide(
  { record, row, request, result, rowAfter }: LogStep<DecideRequest, Written> & { readonly rowAfter: Row | undefined },
  report: Report,
): void {
  if (result.kind !== "written" || record === undefined) return;
  const { txId, owner, epoch } = request;
  if (record.owner !== owner || record.epoch !== epoch) {
    report({ rule: "C2", text: `${owner}@${epoch} decided what ${record.owner}@${record.epoch} owns`, txId });
  }
  if (record.state !== "active") report({ rule: "C2", text: `was decided when it was ${record.state}`, txId });
  const { incarnation, attempt } = parseTransactionId(txId);
  const isOther = row !== undefined && (row.incarnation !== incarnation || row.attempt !== attempt);
  if (isOther && rowAfter?.outcome !== row.outcome) {
    report({ rule: "C4", text: `decided the row of attempt ${row.attempt}`, txId });
  }
}

/**
 * Reasons that are not silence although they leave no tombstone. `contended` is an answer: the branch had not voted,
 * and only the owner may ask it to; a new owner has another epoch, which the log compares. `expired` proves a no (R3).
 */
const notSilence: readonly string[] = [
  "contended",
  "expired",
  "row_changed",
  "no_branches",
  "definition_failed",
  "superseded",
];

/** C6: recovery aborts only on a tombstone. Whether an owner was in time is checked at its request. */
export function checkProof(
  { record, request, result }: LogStep<DecideRequest, Written>,
  hasTombstone: (record: TransactionRecord) => boolean,
  report: Report,
): void {
  const { txId, decision, reason = "aborted" } = request;
  if (result.kind !== "written" || record === undefined || decision === "commit") return;
  if (record.epoch === record.begunAt || notSilence.includes(reason) || hasTombstone(record)) return;
  report({ rule: "C6", text: `aborted (${reason}) in recovery without a tombstone`, txId });
}

/** C2: an undecided transaction does not end. */
export function checkEndStep({ record, request, result }: LogStep<OwnedRequest, Written>, report: Report): void {
  if (result.kind !== "written" || record === undefined) return;
  const { txId, owner, epoch } = request;
  if (record.owner !== owner || record.epoch !== epoch) {
    report({ rule: "C2", text: `${owner}@${epoch} ended what ${record.owner}@${record.epoch} owns`, txId });
  }
}

/** R2: a takeover changes the record that was read, and uses a new epoch. */
export function checkTakeOver({ record, request, result }: LogStep<TakeOverRequest, Written>, report: Report): void {
  if (result.kind !== "written" || record === undefined) return;
  const { txId, seen, taker } = request;
  if (record.owner !== seen.owner || record.epoch !== seen.epoch) {
    report({ rule: "R2", text: `${taker.owner} took over a record whose owner had changed meanwhile`, txId });
  }
  if (taker.epoch <= record.epoch) report({ rule: "R2", text: `epoch ${taker.epoch} was used before`, txId });
}
