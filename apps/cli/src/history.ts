// `assent history`: the audit trail of one transaction, read from the stores alone. The system must not be running on
// the folder.
import type { Tables } from "@assent/orchestrator";
import { defaultLimits, type TrailEntry, transactionId, type TransactionState } from "@assent/protocol";
import { logOperations, rowOperations } from "@assent/store-keyed";
import { readFolder, readStore } from "./embedded/folder-reader.ts";

export interface HistoryReport {
  readonly txId: string;
  readonly state: TransactionState;
  /** Oldest first; `at` in milliseconds since 1970. */
  readonly entries: readonly TrailEntry[];
}

/** The log has no transaction of this name. `code` is stable. */
export class NoSuchTransaction extends Error {
  readonly code = "no_such_transaction";

  constructor(message: string) {
    super(message);
    this.name = "NoSuchTransaction";
  }
}

/**
 * `name`: a transaction, or an order, which stands for its latest attempt.
 * @throws {DataFolderInUse} while the system is running on it; {NoSuchData}; {NoSuchTransaction}
 */
export function history(path: string, name: string): HistoryReport {
  return readFolder(path, (folder) => readStore(folder, "orders.db", (tables) => readHistory(tables, name)));
}

function readHistory(tables: Tables, name: string): HistoryReport {
  const log = logOperations(defaultLimits);
  const txId = log.readRecord(tables, { txId: name }) === null ? latestOf(tables, name) : name;
  const record = log.readRecord(tables, { txId });
  if (record === null) throw new NoSuchTransaction(`${txId} ended long ago, and its history was removed with it`);
  return { txId, state: record.state, entries: log.history(tables, { txId }) };
}

function latestOf(tables: Tables, key: string): string {
  const row = rowOperations.readRow(tables, { key });
  if (row === null) {
    throw new NoSuchTransaction(
      `there is no transaction and no order ${key}. It never began, or it ended long ago and was removed`,
    );
  }
  if (row.attempt === 0) throw new NoSuchTransaction(`order ${key} was never checked out`);
  return transactionId(row);
}

export function printHistory(folder: string, { txId, state, entries }: HistoryReport): void {
  console.log(`data in ${folder}`);
  console.log(`${txId} is ${state}`);
  for (const entry of entries) {
    console.log(`${new Date(entry.at).toISOString()}  ${wordsOf(entry)}, ${entry.owner} @${entry.epoch}`);
  }
}

function wordsOf(entry: TrailEntry): string {
  switch (entry.event) {
    case "begun":
    case "ended":
      return entry.event;
    case "rebuilt":
      return `rebuilt ${entry.state}${entry.reason === undefined ? "" : ` (${entry.reason})`}`;
    case "taken_over":
      return `taken over from ${entry.from.owner} @${entry.from.epoch}`;
    case "parked":
      return `parked (${entry.reason})`;
    case "decided":
      return `decided to ${entry.decision}${entry.reason === undefined ? "" : ` (${entry.reason})`}`;
    case "left_out":
      return `${entry.entries} or more takeovers and parkings left out`;
  }
}
