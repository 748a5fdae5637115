// The transaction log and its rows over tables. Every rule of writing is in `log-steps.ts`; here it meets storage.
import {
  type BeginRequest,
  type BeginResult,
  type DecideRequest,
  type DecideResult,
  type LogSweep,
  type OwnedRequest,
  type OwnedWrite,
  type Row,
  type Tables,
  type TakeOverRequest,
  type UnfinishedRange,
} from "../ports/index.ts";
import {
  type Limits,
  trailEntries,
  type TrailEntry,
  type TransactionRecord,
  transactionId,
} from "../protocol/index.ts";
import type { StepContext } from "./step.ts";
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

type LogLimits = Pick<Limits, "maxAgeMs" | "trailEntriesMax">;

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the operations' types are the point
export function logOperations(limits: LogLimits) {
  return {
    begin(tables: Tables, request: BeginRequest, { now }: StepContext): BeginResult {
      const row = rowOfDefinition(tables, request.key);
      const previous = (): TransactionRecord | undefined => row && readRecord(tables, transactionId(row));
      return added(tables, beginStep(request, { row, previous }, now));
    },

    decide(tables: Tables, request: DecideRequest, { now }: StepContext): DecideResult {
      const stored = readStored(tables, request.txId);
      const row = (): Row | undefined => stored && readRow(tables, stored.key);
      return written(tables, decideStep(request, { stored, row }, { now, limits }));
    },

    end(tables: Tables, request: OwnedRequest, { now }: StepContext): OwnedWrite {
      const before = readStored(tables, request.txId);
      const step = endStep(request, before, { now, limits });
      if (before !== undefined && step.record !== undefined) {
        removeUnfinished(tables, before);
        addRemovable(tables, step.record, limits);
      }
      return written(tables, step);
    },

    takeOver(tables: Tables, request: TakeOverRequest, { now }: StepContext): OwnedWrite {
      const before = readStored(tables, request.txId);
      const step = takeOverStep(request, before, { now, limits });
      if (before !== undefined && step.record !== undefined) moveUnfinished(tables, { before, after: step.record });
      return written(tables, step);
    },

    park: (tables: Tables, request: ParkRequest, { now }: StepContext): OwnedWrite =>
      written(tables, parkStep(request, readStored(tables, request.txId), { now, limits })),

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

    rebuild(tables: Tables, { record }: { record: TransactionRecord }, { now }: StepContext): TransactionRecord | null {
      const existing = readRecord(tables, record.txId);
      const row = (): Row | undefined => rowOfDefinition(tables, record.key);
      return added(tables, rebuildStep(record, { existing, row }, now)) ?? null;
    },

    sweepLog: (tables: Tables, { limit }: { limit: number }, { now }: StepContext): LogSweep =>
      sweepRemovable(tables, { limit, now }, limits),

    removeSwept,
    postponeSwept,
  };
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
