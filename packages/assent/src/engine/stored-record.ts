// A transaction record as the log keeps it: with its history in the same value, so that a write and the entry that
// describes it are one write without a further key. Reads of the record omit the history.
import { table, type Table, type Tables } from "../ports/index.ts";
import type { TransactionRecord } from "../protocol/index.ts";
import { type StoredRecord, withoutHistory } from "./log-steps.ts";

export const recordTable: Table<StoredRecord> = table("transactions", "mostly_new");

export function readStored(tables: Tables, txId: string): StoredRecord | undefined {
  return tables.get(recordTable, txId);
}

export function readRecord(tables: Tables, txId: string): TransactionRecord | undefined {
  const stored = readStored(tables, txId);
  return stored && withoutHistory(stored);
}

export function writeStored(tables: Tables, record: StoredRecord): void {
  tables.put(recordTable, record.txId, record);
}

/** The record and its history go together. */
export function removeRecord(tables: Tables, txId: string): void {
  tables.delete(recordTable, txId);
}
