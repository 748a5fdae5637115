// A transaction record as the log keeps it: with its audit trail in the same value, so that a write and the entry that
// tells of it are one write, and cost no key more. Whoever asks for the record gets it without.
import { table, type Table, type Tables } from "../ports/index.ts";
import { type Limits, nextTrail, type RecordWrite, type Trail, type TransactionRecord } from "../protocol/index.ts";

/** `trail` is missing in records of versions that kept none. */
export type StoredRecord = TransactionRecord & { readonly trail?: Trail };

export const recordTable: Table<StoredRecord> = table("transactions", "mostly_new");

export function readStored(tables: Tables, txId: string): StoredRecord | undefined {
  return tables.get(recordTable, txId);
}

export function readRecord(tables: Tables, txId: string): TransactionRecord | undefined {
  const stored = readStored(tables, txId);
  return stored && withoutTrail(stored);
}

export function withoutTrail({ trail: _trail, ...record }: StoredRecord): TransactionRecord {
  return record;
}

/** Writes a record that was not there. */
export function createRecord(tables: Tables, record: TransactionRecord, trail: Trail): void {
  tables.put(recordTable, record.txId, { ...record, trail });
}

/** Writes the record that was judged to be written, if it was, and its entry with it. */
export function keepWrite(
  tables: Tables,
  { before, write, now }: { before: StoredRecord; write: RecordWrite; now: number },
  limits: Pick<Limits, "trailEntriesMax">,
): RecordWrite {
  if (write.kind !== "written") return write;
  const { record } = write;
  const trail = nextTrail(before.trail, { before, after: record, now }, limits);
  tables.put(recordTable, record.txId, { ...record, trail });
  return write;
}

/** The record and its trail go together. */
export function removeRecord(tables: Tables, txId: string): void {
  tables.delete(recordTable, txId);
}
