// The transaction log and its rows over tables. Every rule of writing is in `log-steps.ts`; here it meets storage.
import {
  type BeginRequest,
  type BeginResult,
  type DecideRequest,
  type DecideResult,
  type LogSweep,
  operation,
  type OwnedRequest,
  type OwnedWrite,
  type Row,
  type StepContext,
  type Tables,
  type TakeOverRequest,
  type UnfinishedRange,
} from "../ports/index.ts";
import {
  type Limits,
  historyEntries,
  type HistoryEntry,
  type TransactionRecord,
  transactionId,
} from "../protocol/index.ts";
import {
  beginStep,
  decideStep,
  endStep,
  type LogStep,
  type ParkRequest,
  parkStep,
  rebuildStep,
  takeOverStep,
} from "./log-steps.ts";
import { addRemovable, postponeSwept, removeSwept, sweepRemovable } from "./removable-index.ts";
import { readRow, writeRow } from "./row-operations.ts";
import { readRecord, readStored, writeStored } from "./stored-record.ts";
import {
  addUnfinished,
  moveFormerIndex,
  moveUnfinished,
  ownersOfUnfinished,
  readUnfinished,
  removeUnfinished,
} from "./unfinished-index.ts";

type LogLimits = Pick<Limits, "maxAgeMs" | "historyEntriesMax">;

type LogContext = StepContext & { readonly limits: LogLimits };
type OwnersPage = { readonly after?: string; readonly limit: number };

export const logOperations = {
  begin: operation("begin", (tables, request: BeginRequest, { now }): BeginResult => {
    const row = rowOfDefinition(tables, request.key);
    const previous = (): TransactionRecord | undefined => row && readRecord(tables, transactionId(row));
    return added(tables, beginStep(request, { row, previous }, now));
  }),

  decide: operation("decide", (tables, request: DecideRequest, { now, limits }: LogContext): DecideResult => {
    const stored = readStored(tables, request.txId);
    const row = (): Row | undefined => stored && readRow(tables, stored.key);
    return written(tables, decideStep(request, { stored, row }, { now, limits }));
  }),

  end: operation("end", (tables, request: OwnedRequest, { now, limits }: LogContext): OwnedWrite => {
    const before = readStored(tables, request.txId);
    const step = endStep(request, before, { now, limits });
    if (before !== undefined && step.record !== undefined) {
      removeUnfinished(tables, before);
      addRemovable(tables, step.record, limits);
    }
    return written(tables, step);
  }),

  takeOver: operation("takeOver", (tables, request: TakeOverRequest, { now, limits }: LogContext): OwnedWrite => {
    const before = readStored(tables, request.txId);
    const step = takeOverStep(request, before, { now, limits });
    if (before !== undefined && step.record !== undefined) moveUnfinished(tables, { before, after: step.record });
    return written(tables, step);
  }),

  park: operation("park", (tables, request: ParkRequest, { now, limits }: LogContext): OwnedWrite =>
    written(tables, parkStep(request, readStored(tables, request.txId), { now, limits })),
  ),

  readRecord: operation(
    "readRecord",
    (tables, { txId }: { readonly txId: string }): TransactionRecord | null => readRecord(tables, txId) ?? null,
  ),

  peek: operation(
    "peek",
    (tables, { key }: { readonly key: string }): Row | null => rowOfDefinition(tables, key) ?? null,
  ),

  history: operation("history", (tables, { txId }: { readonly txId: string }): readonly HistoryEntry[] =>
    readHistory(tables, txId),
  ),

  owners: operation("owners", (tables, page: OwnersPage): readonly string[] => {
    moveFormerIndex(tables, readRecord);
    return ownersOfUnfinished(tables, page);
  }),

  unfinished: operation(
    "unfinished",
    (tables, request: UnfinishedRange & { readonly owner: string }): readonly TransactionRecord[] =>
      readUnfinished(tables, request, readRecord),
  ),

  rebuild: operation(
    "rebuild",
    (tables, { record }: { readonly record: TransactionRecord }, { now }): TransactionRecord | null => {
      const existing = readRecord(tables, record.txId);
      const row = (): Row | undefined => rowOfDefinition(tables, record.key);
      return added(tables, rebuildStep(record, { existing, row }, now)) ?? null;
    },
  ),

  sweepLog: operation(
    "sweepLog",
    (tables, { limit }: { readonly limit: number }, { now, limits }: LogContext): LogSweep =>
      sweepRemovable(tables, { limit, now }, limits),
  ),

  removeSwept: operation("removeSwept", removeSwept),
  postponeSwept: operation("postponeSwept", postponeSwept),
};

/** What every write of a record did, oldest first. */
export function readHistory(tables: Tables, txId: string): readonly HistoryEntry[] {
  const stored = readStored(tables, txId);
  return stored?.trail === undefined ? [] : historyEntries(stored, stored.trail);
}

/** Stores what a step writes. */
function written<Result>(tables: Tables, { result, row, record }: LogStep<Result>): Result {
  if (row !== undefined) writeRow(tables, row);
  if (record !== undefined) writeStored(tables, record);
  return result;
}

/** Stores what a step writes whose record was not there; what has not ended is in the index. */
function added<Result>(tables: Tables, step: LogStep<Result>): Result {
  if (step.record !== undefined) addUnfinished(tables, step.record);
  return written(tables, step);
}

/** The row of a key. For a row of an earlier version, the record of its latest attempt has the owning definition. */
function rowOfDefinition(tables: Tables, key: string): Row | undefined {
  const row = readRow(tables, key);
  if (row === undefined || row.definition !== undefined || row.attempt === 0) return row;
  const definition = readRecord(tables, transactionId(row))?.definition;
  return definition === undefined ? row : { ...row, definition };
}
