// The transaction log and its rows over tables. Every rule of writing is in `protocol`; here it meets storage.
import {
  type BeginRequest,
  type BeginResult,
  type DecideRequest,
  type DecideResult,
  foreignTo,
  type LogSweep,
  type OwnedRequest,
  type OwnedWrite,
  type Row,
  type Tables,
  type TakeOverRequest,
  type UnfinishedRange,
} from "../ports/index.ts";
import {
  begunTrail,
  invariant,
  type JsonObject,
  type Limits,
  lostAttemptsMax,
  nextEpoch,
  type ParkNote,
  parseTransactionId,
  rebuiltTrail,
  trailEntries,
  type Trail,
  type TrailEntry,
  type TransactionRecord,
  transactionId,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "../protocol/index.ts";
import type { StepContext } from "./step.ts";
import { addRemovable, postponeSwept, removeSwept, sweepRemovable } from "./removable-index.ts";
import { changedRow } from "./row-change.ts";
import { readRow, writeRow } from "./row-operations.ts";
import { createRecord, keepWrite, readRecord, readStored, withoutTrail } from "./stored-record.ts";
import {
  addUnfinished,
  moveFormerIndex,
  moveUnfinished,
  ownersOfUnfinished,
  readUnfinished,
  removeUnfinished,
} from "./unfinished-index.ts";

type LogLimits = Pick<Limits, "maxAgeMs" | "trailEntriesMax">;
type ParkRequest = OwnedRequest & { readonly note: ParkNote };

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the operations' types are the point
export function logOperations(limits: LogLimits) {
  return {
    begin: (tables: Tables, request: BeginRequest, { now }: StepContext): BeginResult => begin(tables, request, now),

    decide: (tables: Tables, request: DecideRequest, { now }: StepContext): DecideResult =>
      decide(tables, request, { now, limits }),

    end(tables: Tables, { txId, owner, epoch }: OwnedRequest, { now }: StepContext): OwnedWrite {
      const before = readStored(tables, txId);
      if (before === undefined) return { kind: "absent" };
      const write = writeEnd(withoutTrail(before), { owner, epoch }, now);
      if (write.kind !== "written") return write;
      removeUnfinished(tables, before);
      addRemovable(tables, write.record, limits);
      return keepWrite(tables, { before, write, now }, limits);
    },

    takeOver(tables: Tables, { txId, seen, taker }: TakeOverRequest, { now }: StepContext): OwnedWrite {
      const before = readStored(tables, txId);
      if (before === undefined) return { kind: "absent" };
      const write = writeTakeover(withoutTrail(before), { seen, taker, now });
      if (write.kind === "written") moveUnfinished(tables, { before, after: write.record });
      return keepWrite(tables, { before, write, now }, limits);
    },

    park(tables: Tables, { txId, owner, epoch, note }: ParkRequest, { now }: StepContext): OwnedWrite {
      const before = readStored(tables, txId);
      if (before === undefined) return { kind: "absent" };
      const write = writePark(withoutTrail(before), { owner, epoch }, note);
      return keepWrite(tables, { before, write, now }, limits);
    },

    readRecord: (tables: Tables, { txId }: { txId: string }): TransactionRecord | null =>
      readRecord(tables, txId) ?? null,

    peek: (tables: Tables, { key }: { key: string }): Row | null => rowOfDefinition(tables, key) ?? null,

    history(tables: Tables, { txId }: { txId: string }): readonly TrailEntry[] {
      const stored = readStored(tables, txId);
      return stored?.trail === undefined ? [] : trailEntries(stored, stored.trail);
    },

    owners(tables: Tables, page: { after?: string; limit: number }): readonly string[] {
      moveFormerIndex(tables, readRecord);
      return ownersOfUnfinished(tables, page);
    },

    unfinished: (tables: Tables, request: UnfinishedRange & { owner: string }): readonly TransactionRecord[] =>
      readUnfinished(tables, request, readRecord),

    rebuild: (
      tables: Tables,
      { record }: { record: TransactionRecord },
      { now }: StepContext,
    ): TransactionRecord | null => rebuild(tables, record, now) ?? null,

    sweepLog: (tables: Tables, { limit }: { limit: number }, { now }: StepContext): LogSweep =>
      sweepRemovable(tables, { limit, now }, limits),

    removeSwept,
    postponeSwept,
  };
}

/** Writes a record that was not there; what has not ended is in the index. */
function addRecord(tables: Tables, record: TransactionRecord, trail: Trail): void {
  createRecord(tables, record, trail);
  addUnfinished(tables, record);
}

function begin(tables: Tables, request: BeginRequest, now: number): BeginResult {
  const row = rowOfDefinition(tables, request.key) ?? newRow(request);
  if (row === undefined) return { kind: "absent" };
  const foreign = foreignTo(row, request);
  if (foreign !== undefined) return foreign;
  const txId = transactionId(row);
  if (row.outcome === "pending") return { kind: "in_flight", txId };
  if (row.outcome === "committed") return { kind: "committed", txId };
  if (row.outcome === "aborted" && isReleasing(readRecord(tables, txId), request, now))
    return { kind: "releasing", txId };
  const changed = changedRow(row, request.change);
  if (changed === undefined) return { kind: "unmet", row };
  return { kind: "begun", record: claim(tables, changed, { request, now }) };
}

/** The row of a key. For a row of an earlier version, the record of its latest attempt has the owning definition. */
function rowOfDefinition(tables: Tables, key: string): Row | undefined {
  const row = readRow(tables, key);
  if (row === undefined || row.definition !== undefined || row.attempt === 0) return row;
  const definition = readRecord(tables, transactionId(row))?.definition;
  return definition === undefined ? row : { ...row, definition };
}

function newRow({ key, create }: BeginRequest): Row | undefined {
  if (create === undefined) return undefined;
  const { incarnation, fields } = create;
  return { key, incarnation, attempt: 0, outcome: "none", fields };
}

/** The row as a lost attempt began with it. */
function rowOf({ key, definition, input }: TransactionRecord, attempt: Pick<Row, "incarnation" | "attempt">): Row {
  return { key, ...attempt, outcome: "pending", definition, fields: input as JsonObject };
}

/** A failed attempt holds back the next until its branches have released, or for a while. */
function isReleasing(previous: TransactionRecord | undefined, request: BeginRequest, now: number): boolean {
  return previous?.state === "aborting" && now < previous.changedAt + request.releaseWaitMs;
}

function claim(tables: Tables, row: Row, { request, now }: { request: BeginRequest; now: number }): TransactionRecord {
  const next = pendingRow(row, { definition: request.definition, attempt: row.attempt + 1 });
  const { definition, definitionHash, protocol, owner, begunAt, deadlineAt } = request;
  const record: TransactionRecord = {
    txId: transactionId(next),
    key: request.key,
    definition,
    definitionHash,
    protocol,
    owner,
    begunAt,
    deadlineAt,
    state: "active",
    epoch: nextEpoch(begunAt),
    input: next.fields,
    changedAt: now,
  };
  writeRow(tables, next);
  addRecord(tables, record, begunTrail(record));
  return record;
}

/** The row with an attempt under way. The reason of the one before goes. */
function pendingRow(row: Row, claim: { definition: string; attempt: number }): Row {
  const { reason: _reason, ...claimed } = row;
  return { ...claimed, ...claim, outcome: "pending" };
}

function decide(
  tables: Tables,
  request: DecideRequest,
  { now, limits }: { now: number; limits: LogLimits },
): DecideResult {
  const { txId, owner, epoch, decision, reason, change } = request;
  const before = readStored(tables, txId);
  if (before === undefined) return { kind: "absent" };
  const record = withoutTrail(before);
  const write = writeDecision(record, { owner, epoch }, { decision, reason, now });
  if (write.kind !== "written") return write;
  const row = rowOfAttempt(tables, record);
  if (decision === "commit") {
    // A row that says committed already is the truth of a record that was lost and rebuilt.
    if (row === undefined || row.outcome === "aborted") return { kind: "unmet" };
    const changed = row.outcome === "committed" ? row : changedRow(row, change);
    if (changed === undefined) return { kind: "unmet" };
    writeRow(tables, { ...changed, outcome: "committed" });
  } else if (row !== undefined) {
    if (row.outcome === "committed") return { kind: "lost", record };
    writeRow(tables, { ...row, outcome: "aborted", reason: reason ?? "aborted" });
  }
  return keepWrite(tables, { before, write, now }, limits);
}

/** C4: the row, if it still is of this incarnation and attempt. */
function rowOfAttempt(tables: Tables, record: TransactionRecord): Row | undefined {
  const row = readRow(tables, record.key);
  const { incarnation, attempt } = parseTransactionId(record.txId);
  return row !== undefined && row.incarnation === incarnation && row.attempt === attempt ? row : undefined;
}

/** M3: the attempt after the one in a question must have a valid name, too. */
function checkAttempt(txId: string, ahead: number): void {
  invariant(ahead <= lostAttemptsMax, "M3", `${txId} is ${ahead} attempts ahead of its row, more than a log loses`);
}

/** R5: what the row still knows of the attempt decides in which state its lost record comes back. */
function rebuild(tables: Tables, lost: TransactionRecord, now: number): TransactionRecord | undefined {
  const existing = readRecord(tables, lost.txId);
  if (existing !== undefined) return existing;
  const row = rowOfDefinition(tables, lost.key);
  const { incarnation, attempt } = parseTransactionId(lost.txId);
  if (row === undefined || row.incarnation === incarnation) checkAttempt(lost.txId, attempt - (row?.attempt ?? 0));
  let record: TransactionRecord = { ...lost, changedAt: now };
  // Rows are never removed: one that is gone was lost together with the record, and C4 needs it for the decision.
  if (row === undefined) writeRow(tables, rowOf(lost, { incarnation, attempt }));
  if (row !== undefined && row.incarnation === incarnation) {
    // If another definition has taken the key, nothing can be concluded about the attempt, and its name may be in use.
    if (foreignTo(row, lost) !== undefined) return undefined;
    // Another attempt has been claimed since, or has succeeded: this one must not (S4).
    const isSuperseded = row.attempt > attempt || (row.attempt < attempt && row.outcome === "committed");
    if (isSuperseded) record = { ...record, state: "aborting", reason: "superseded" };
    else if (row.attempt < attempt) writeRow(tables, pendingRow(row, { definition: lost.definition, attempt }));
    else if (row.outcome === "committed") record = { ...record, state: "committing" };
    else if (row.outcome === "aborted") record = { ...record, state: "aborting", reason: row.reason ?? "aborted" };
  }
  addRecord(tables, record, rebuiltTrail(record));
  return record;
}
