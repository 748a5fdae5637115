// The writes of the transaction log as pure steps: what was found goes in, and the result comes out with what has to be
// stored, in one atomic step. Every store of a log runs these, whatever its tables are.
import {
  type BeginRequest,
  type BeginResult,
  type DecideRequest,
  type DecideResult,
  foreignTo,
  type OwnedRequest,
  type OwnedWrite,
  type Row,
  type RowChange,
  type RowWrite,
  type TakeOverRequest,
} from "../ports/index.ts";
import {
  begunHistory,
  invariant,
  type JsonObject,
  type Limits,
  lostAttemptsMax,
  nextEpoch,
  nextHistory,
  type ParkNote,
  parseTransactionId,
  type RecordWrite,
  rebuiltHistory,
  type RecordHistory,
  type TransactionRecord,
  transactionId,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "../protocol/index.ts";
import { changedRow } from "./row-change.ts";

/** A record as stored by a log. Records of versions without a history lack the second part. */
export type StoredRecord = TransactionRecord & { readonly trail?: RecordHistory };
export type ParkRequest = OwnedRequest & { readonly note: ParkNote };

/** The result of a step, and what it writes: a row, a record, both or nothing. */
export interface LogStep<Result> {
  readonly result: Result;
  readonly row?: Row;
  readonly record?: StoredRecord;
}

/** Store time, and the limits that apply. */
export interface LogContext {
  readonly now: number;
  readonly limits: Pick<Limits, "historyEntriesMax">;
}

export function withoutHistory({ trail: _trail, ...record }: StoredRecord): TransactionRecord {
  return record;
}

/** `previous`: the record of the row's latest attempt, asked for where it matters. */
export function beginStep(
  request: BeginRequest,
  found: { readonly row: Row | undefined; readonly previous: () => TransactionRecord | undefined },
  now: number,
): LogStep<BeginResult> {
  const row = found.row ?? newRow(request);
  if (row === undefined) return { result: { kind: "absent" } };
  const foreign = foreignTo(row, request);
  if (foreign !== undefined) return { result: foreign };
  const txId = transactionId(row);
  if (row.outcome === "pending") return { result: { kind: "in_flight", txId } };
  if (row.outcome === "committed") return { result: { kind: "committed", txId } };
  if (row.outcome === "aborted" && isReleasing(found.previous(), request, now)) {
    return { result: { kind: "releasing", txId } };
  }
  const changed = changedRow(row, request.change);
  if (changed === undefined) return { result: { kind: "unmet", row } };
  const claimed = pendingRow(changed, { definition: request.definition, attempt: row.attempt + 1 });
  const record = begunRecord(claimed, request, now);
  return { result: { kind: "begun", record }, row: claimed, record: { ...record, trail: begunHistory(record) } };
}

/** `row`: what the key of the record holds now, whichever attempt that is of. */
export function decideStep(
  { owner, epoch, decision, reason, step: atFault, operator, change }: DecideRequest,
  found: { readonly stored: StoredRecord | undefined; readonly row: () => Row | undefined },
  context: LogContext,
): LogStep<DecideResult> {
  const { stored } = found;
  if (stored === undefined) return { result: { kind: "absent" } };
  const record = withoutHistory(stored);
  const write = writeDecision(
    record,
    { owner, epoch },
    { decision, reason, step: atFault, operator, now: context.now },
  );
  if (write.kind !== "written") return { result: write };
  const step = kept(stored, write, context);
  const row = rowOfAttempt(found.row(), record);
  if (decision === "commit") {
    // A row that says committed already is the truth of a record that was lost and rebuilt.
    if (row === undefined || row.outcome === "aborted") return { result: { kind: "unmet" } };
    const changed = row.outcome === "committed" ? row : changedRow(row, change);
    if (changed === undefined) return { result: { kind: "unmet" } };
    return { ...step, row: { ...changed, outcome: "committed" } };
  }
  if (row === undefined) return step;
  if (row.outcome === "committed") return { result: { kind: "lost", record } };
  return { ...step, row: { ...row, outcome: "aborted", reason: reason ?? "aborted" } };
}

export function endStep(
  { owner, epoch }: OwnedRequest,
  stored: StoredRecord | undefined,
  context: LogContext,
): LogStep<OwnedWrite> {
  return owned(stored, context, (record) => writeEnd(record, { owner, epoch }, context.now));
}

export function takeOverStep(
  { seen, taker }: TakeOverRequest,
  stored: StoredRecord | undefined,
  context: LogContext,
): LogStep<OwnedWrite> {
  return owned(stored, context, (record) => writeTakeover(record, { seen, taker, now: context.now }));
}

export function parkStep(
  { owner, epoch, note }: ParkRequest,
  stored: StoredRecord | undefined,
  context: LogContext,
): LogStep<OwnedWrite> {
  return owned(stored, context, (record) => writePark(record, { owner, epoch }, note));
}

/**
 * R5: what the row still knows of the attempt decides in which state its lost record comes back. The result is the
 * record in force; undefined where the key belongs to another definition.
 */
export function rebuildStep(
  lost: TransactionRecord,
  found: { readonly existing: TransactionRecord | undefined; readonly row: () => Row | undefined },
  now: number,
): LogStep<TransactionRecord | undefined> {
  if (found.existing !== undefined) return { result: found.existing };
  const row = found.row();
  const { incarnation, attempt } = parseTransactionId(lost.txId);
  if (row === undefined || row.incarnation === incarnation) checkAttempt(lost.txId, attempt - (row?.attempt ?? 0));
  const record: TransactionRecord = { ...lost, changedAt: now };
  // Rows are never removed: one that is gone was lost together with the record, and C4 needs it for the decision.
  if (row === undefined) return rebuilt(record, rowOf(lost, { incarnation, attempt }));
  if (row.incarnation !== incarnation) return rebuilt(record);
  // If another definition has taken the key, nothing can be concluded about the attempt, and its name may be in use.
  if (foreignTo(row, lost) !== undefined) return { result: undefined };
  // Another attempt has been claimed since, or has succeeded: this one must not (S4).
  const isSuperseded = row.attempt > attempt || (row.attempt < attempt && row.outcome === "committed");
  if (isSuperseded) return rebuilt({ ...record, state: "aborting", reason: "superseded" });
  if (row.attempt < attempt) return rebuilt(record, pendingRow(row, { definition: lost.definition, attempt }));
  if (row.outcome === "committed") return rebuilt({ ...record, state: "committing" });
  if (row.outcome === "aborted") return rebuilt({ ...record, state: "aborting", reason: row.reason ?? "aborted" });
  return rebuilt(record);
}

/** A row's change by the service that owns it; `changed` is to be written. */
export function changeRowStep(row: Row | undefined, change: RowChange): RowWrite {
  if (row === undefined) return { kind: "absent" };
  if (row.outcome === "pending" || row.outcome === "committed") return { kind: "unmet", row };
  const changed = changedRow(row, change);
  return changed === undefined ? { kind: "unmet", row } : { kind: "changed", row: changed };
}

/** A row that no attempt has been made at. */
export function freshRow(key: string, incarnation: string, fields: JsonObject): Row {
  return { key, incarnation, attempt: 0, outcome: "none", fields };
}

function owned(
  stored: StoredRecord | undefined,
  context: LogContext,
  write: (record: TransactionRecord) => RecordWrite,
): LogStep<OwnedWrite> {
  return stored === undefined ? { result: { kind: "absent" } } : kept(stored, write(withoutHistory(stored)), context);
}

/** A write that was judged to be written is stored with the entry that it leaves in the history. */
function kept(before: StoredRecord, write: RecordWrite, { now, limits }: LogContext): LogStep<RecordWrite> {
  if (write.kind !== "written") return { result: write };
  const { record } = write;
  const history = nextHistory(before.trail, { before, after: record, now }, limits);
  return { result: write, record: { ...record, trail: history } };
}

function newRow({ key, create }: BeginRequest): Row | undefined {
  return create && freshRow(key, create.incarnation, create.fields);
}

/** The row as a lost attempt began with it. */
function rowOf({ key, definition, input }: TransactionRecord, attempt: Pick<Row, "incarnation" | "attempt">): Row {
  // Rows begin with objects, and the input is the fields of one.
  return { key, ...attempt, outcome: "pending", definition, fields: input as JsonObject };
}

/** A failed attempt holds back the next until its branches have released, or for a while. */
function isReleasing(previous: TransactionRecord | undefined, request: BeginRequest, now: number): boolean {
  return previous?.state === "aborting" && now < previous.changedAt + request.releaseWaitMs;
}

function begunRecord(row: Row, request: BeginRequest, now: number): TransactionRecord {
  const { definition, definitionHash, protocol, owner, begunAt, deadlineAt } = request;
  return {
    txId: transactionId(row),
    key: request.key,
    definition,
    definitionHash,
    protocol,
    owner,
    begunAt,
    deadlineAt,
    state: "active",
    epoch: nextEpoch(begunAt),
    input: row.fields,
    changedAt: now,
  };
}

/** The row with an attempt under way. The reason of the one before goes. */
function pendingRow(row: Row, claim: { definition: string; attempt: number }): Row {
  const { reason: _reason, ...claimed } = row;
  return { ...claimed, ...claim, outcome: "pending" };
}

/** C4: the row, if it still is of this incarnation and attempt. */
function rowOfAttempt(row: Row | undefined, { txId }: TransactionRecord): Row | undefined {
  const { incarnation, attempt } = parseTransactionId(txId);
  return row !== undefined && row.incarnation === incarnation && row.attempt === attempt ? row : undefined;
}

/** M3: the attempt after the one in a question must have a valid name, too. */
function checkAttempt(txId: string, ahead: number): void {
  invariant(ahead <= lostAttemptsMax, "M3", `${txId} is ${ahead} attempts ahead of its row, more than a log loses`);
}

function rebuilt(record: TransactionRecord, row?: Row): LogStep<TransactionRecord> {
  const step = { result: record, record: { ...record, trail: rebuiltHistory(record) } };
  return row === undefined ? step : { ...step, row };
}
