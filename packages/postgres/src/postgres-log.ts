// The port `TransactionLog`: each write is one transaction that locks what it is about, asks the log's pure step, and
// stores what that returns.
import {
  beginStep,
  decideStep,
  endStep,
  type LogStep,
  parkStep,
  rebuildStep,
  type StoredRecord,
  takeOverStep,
} from "assent/internal/engine";
import { HandlerFailed, stepHandle } from "assent/internal/participant";
import type {
  BeginRequest,
  BeginResult,
  DecideRequest,
  DecideResult,
  LogSweep,
  OwnedWrite,
  Postponed,
  RemovablePlace,
  Row,
  TransactionLog,
  UnfinishedRange,
} from "assent/internal/ports";
import {
  awaitsForget,
  type JsonObject,
  type Limits,
  historyEntries,
  type TransactionRecord,
  transactionId,
} from "assent/internal/protocol";
import { type Database, type Done, Overtaken, type SqlTransaction } from "./database.ts";
import { endedOrLossy, type LogStatements } from "./log-statements.ts";
import { columnsOfRecord, columnsOfRow, plainRecord, recordOfColumns, rowOfColumns } from "./stored-log.ts";
import { originalText, storedText } from "./stored-text.ts";
import type { Columns } from "./table-columns.ts";

export interface LogOptions<Db> {
  readonly database: Database<Db>;
  readonly statements: LogStatements;
  readonly coordinator: string;
  readonly limits: Pick<Limits, "maxAgeMs" | "historyEntriesMax">;
  /** Store time in place of the server's, for tests. */
  readonly storeTime?: (() => number) | undefined;
  readonly onDecide?: OnDecide<Db> | undefined;
}

/**
 * Changes of the application's own, in the transaction of a decision that is being written. What it throws leaves the
 * transaction undecided; `false` says that the conditions of a commit are not met, so that it aborts.
 */
export type OnDecide<Db> = (decided: {
  readonly db: Db;
  readonly record: TransactionRecord;
  readonly row: Row | undefined;
}) => Promise<boolean | void>;

/** What a statement that locks has found. */
interface Found {
  readonly now: number;
  readonly stored: StoredRecord | undefined;
  readonly row: Row | undefined;
  /** The database transaction. */
  readonly transaction: string;
}

export class PostgresLog<Db> implements TransactionLog {
  readonly #options: LogOptions<Db>;
  readonly #coordinator: string;

  constructor(options: LogOptions<Db>) {
    this.#options = options;
    this.#coordinator = storedText(options.coordinator);
  }

  begin(request: BeginRequest): Promise<BeginResult> {
    const { lockRow } = this.#statements;
    return this.#write(async (transaction) => {
      const { now, row } = await this.#found(transaction, lockRow, request.key);
      const latest = row?.outcome === "aborted" ? await this.#record(transaction, transactionId(row)) : undefined;
      return this.#added(transaction, beginStep(request, { row, previous: () => latest }, now), row);
    });
  }

  decide(request: DecideRequest): Promise<DecideResult> {
    return this.#write(async (transaction) => {
      const found = await this.#found(transaction, this.#statements.lockRecordAndRow, request.txId);
      const { now, stored, row } = found;
      const step = decideStep(request, { stored, row: () => row }, { now, limits: this.#options.limits });
      const { result } = step;
      if (result.kind !== "written") return { result, writes: false };
      const isMet = await this.#isMet(transaction, { record: result.record, row: step.row });
      if (!isMet && request.decision === "commit") return { result: { kind: "unmet" }, writes: false };
      return this.#changed(transaction, step, found);
    });
  }

  end(request: Parameters<TransactionLog["end"]>[0]): Promise<OwnedWrite> {
    return this.#owned(request.txId, (stored, context) => endStep(request, stored, context));
  }

  takeOver(request: Parameters<TransactionLog["takeOver"]>[0]): Promise<OwnedWrite> {
    return this.#owned(request.txId, (stored, context) => takeOverStep(request, stored, context));
  }

  park(request: Parameters<TransactionLog["park"]>[0]): Promise<OwnedWrite> {
    return this.#owned(request.txId, (stored, context) => parkStep(request, stored, context));
  }

  rebuild(record: TransactionRecord): Promise<TransactionRecord | undefined> {
    return this.#write(async (transaction) => {
      const { now, row } = await this.#found(transaction, this.#statements.lockRow, record.key);
      // The creator of a record holds a lock on its row, so no other process creates a missing one meanwhile.
      const existing = await this.#record(transaction, record.txId);
      return this.#added(transaction, rebuildStep(record, { existing, row: () => row }, now), row);
    });
  }

  async read(txId: string): Promise<TransactionRecord | undefined> {
    const [columns] = await this.#read(this.#statements.readRecord, [storedText(txId)]);
    return columns && plainRecord(columns);
  }

  async peek(key: string): Promise<Row | undefined> {
    const [columns] = await this.#read(this.#statements.readRow, [storedText(key)]);
    return columns && rowOfColumns(columns);
  }

  async history(txId: string): ReturnType<TransactionLog["history"]> {
    const [columns] = await this.#read(this.#statements.readRecord, [storedText(txId)]);
    const stored = columns && recordOfColumns(columns);
    return stored?.trail === undefined ? [] : historyEntries(stored, stored.trail);
  }

  async owners(after: string | undefined, limit: number): Promise<readonly string[]> {
    const { owners } = this.#statements;
    const found = await this.#read(owners(after === undefined ? ">=" : ">"), [storedText(after ?? ""), String(limit)]);
    return found.map(({ owner }) => originalText(owner as string));
  }

  async unfinished(
    owner: string,
    { after, deadlineBefore, limit }: UnfinishedRange,
  ): Promise<readonly TransactionRecord[]> {
    const found = await this.#read(this.#statements.unfinished, [
      storedText(owner),
      String(after?.deadlineAt ?? Number.MIN_SAFE_INTEGER),
      storedText(after?.txId ?? ""),
      String(deadlineBefore === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(deadlineBefore)),
      String(limit),
    ]);
    return found.map(plainRecord);
  }

  sweep(limit: number): Promise<LogSweep> {
    return this.#write(async (transaction) => {
      const now = await this.#now(transaction);
      const { removable } = this.#statements;
      const due = await transaction.query(removable, [this.#coordinator, String(now), String(limit)]);
      const all = due.map((columns) => ({ dueAt: Number(columns["removable_at"]), record: plainRecord(columns) }));
      const forgotten = all.filter(({ record }) => !awaitsForget(record));
      await this.#remove(
        transaction,
        forgotten.map(({ dueAt, record: { txId } }) => ({ dueAt, txId })),
      );
      const result = { removable: all.filter(({ record }) => awaitsForget(record)), more: due.length === limit };
      return { result, writes: forgotten.length > 0 };
    });
  }

  remove(places: readonly RemovablePlace[]): Promise<void> {
    return this.#write(async (transaction) => {
      await this.#remove(transaction, places);
      return { result: undefined, writes: true };
    });
  }

  postpone(places: readonly Postponed[]): Promise<void> {
    return this.#write(async (transaction) => {
      await transaction.query(this.#statements.postpone, [this.#coordinator, textOf(places)]);
      return { result: undefined, writes: true };
    });
  }

  get #statements(): LogStatements {
    return this.#options.statements;
  }

  #write<Result>(work: (transaction: SqlTransaction<Db>) => Promise<Done<Result>>): Promise<Result> {
    return this.#options.database.transaction(work);
  }

  #read(statement: string, parameters: readonly string[]): Promise<readonly JsonObject[]> {
    return this.#options.database.read(statement, [this.#coordinator, ...parameters]);
  }

  #owned(
    txId: string,
    step: (
      stored: StoredRecord | undefined,
      context: { now: number; limits: LogOptions<Db>["limits"] },
    ) => LogStep<OwnedWrite>,
  ): Promise<OwnedWrite> {
    return this.#write(async (transaction) => {
      const found = await this.#found(transaction, this.#statements.lockRecord, txId);
      const { now, stored } = found;
      return this.#changed(transaction, step(stored, { now, limits: this.#options.limits }), found);
    });
  }

  /** Runs the application's own changes. Their client works no more once the decision is being written. */
  async #isMet(
    { handle }: SqlTransaction<Db>,
    decided: { readonly record: TransactionRecord; readonly row: Row | undefined },
  ): Promise<boolean> {
    const step = stepHandle(handle);
    try {
      return (await this.#options.onDecide?.({ db: step.handle, ...decided })) !== false;
    } finally {
      step.close();
    }
  }

  async #found(transaction: SqlTransaction<Db>, statement: string, name: string): Promise<Found> {
    const [found = {}] = await transaction.query(statement, [this.#coordinator, storedText(name)]);
    const { now, record, row } = found as { now?: number; record?: JsonObject | null; row?: JsonObject | null };
    return {
      now: this.#options.storeTime?.() ?? Number(now),
      stored: record ? recordOfColumns(record) : undefined,
      row: row ? rowOfColumns(row) : undefined,
      transaction: found["transaction"] as string,
    };
  }

  async #record(transaction: SqlTransaction<Db>, txId: string): Promise<TransactionRecord | undefined> {
    const [columns] = await transaction.query(this.#statements.readRecord, [this.#coordinator, storedText(txId)]);
    return columns && plainRecord(columns);
  }

  async #now(transaction: SqlTransaction<Db>): Promise<number> {
    // The name of no transaction.
    return (await this.#found(transaction, this.#statements.lockRecord, "")).now;
  }

  /** Stores a record that was not there, and its row. */
  async #added<Result>(
    transaction: SqlTransaction<Db>,
    { result, row, record }: LogStep<Result>,
    before: Row | undefined,
  ): Promise<Done<Result>> {
    if (row !== undefined) await this.#putRow(transaction, row, before);
    if (record !== undefined) {
      await transaction.query(this.#statements.addRecord, [this.#coordinator, JSON.stringify([this.#columns(record)])]);
    }
    return { result, writes: record !== undefined };
  }

  /**
   * Stores a record that was locked, and its row. The record comes first: it is written only in the transaction that
   * holds the lock, and the row only after it.
   */
  async #changed<Result>(
    transaction: SqlTransaction<Db>,
    { result, row, record }: LogStep<Result>,
    locked: Found,
  ): Promise<Done<Result>> {
    if (record === undefined) return { result, writes: false };
    const columns = JSON.stringify(this.#columns(record));
    const parameters = [this.#coordinator, columns, storedText(record.txId), locked.transaction];
    const changed = await transaction.query(this.#statements.changeRecord, parameters);
    if (changed.length === 0) {
      throw new HandlerFailed(`onDecide has ${endedOrLossy}: no decision was written`);
    }
    if (row !== undefined) await this.#putRow(transaction, row, row);
    return { result, writes: true };
  }

  #columns(record: StoredRecord): Columns {
    return columnsOfRecord(record, this.#options.limits);
  }

  /** A row that was there is locked. One that was not may have been made by another since. */
  async #putRow(transaction: SqlTransaction<Db>, row: Row, before: Row | undefined): Promise<void> {
    const { addRow, putRows } = this.#statements;
    const parameters = [this.#coordinator, JSON.stringify([columnsOfRow(row)])];
    const added = await transaction.query(before === undefined ? addRow : putRows, parameters);
    if (before === undefined && added.length === 0) throw new Overtaken();
  }

  async #remove(transaction: SqlTransaction<Db>, places: readonly RemovablePlace[]): Promise<void> {
    if (places.length > 0) await transaction.query(this.#statements.remove, [this.#coordinator, textOf(places)]);
  }
}

function textOf(places: readonly (RemovablePlace & { readonly untilMs?: number })[]): string {
  return JSON.stringify(
    places.map(({ txId, dueAt, untilMs }) => ({
      tx_id: storedText(txId),
      due_at: Math.floor(dueAt),
      until: untilMs === undefined ? null : Math.floor(untilMs),
    })),
  );
}
