// The index of ended records by the time from which they may be removed, so that a sweep reads what is due (R7).
import type { Tables } from "@assent/orchestrator";
import { isEnded, type Limits, type TransactionRecord } from "@assent/protocol";
import { readRecord } from "./stored-record.ts";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

export const removableTable = "removable";

/** P7: an outcome outlives the records of its branches, which are kept for two of these. */
const keptMaxAges = 4;

type Lifetime = Pick<Limits, "maxAgeMs">;

/** Counted from the end: however long phase 2 took, branches find the outcome when they ask. */
function keptUntil({ changedAt }: TransactionRecord, { maxAgeMs }: Lifetime): number {
  return changedAt + keptMaxAges * maxAgeMs;
}

/** Enters a record that has just ended. */
export function addRemovable(tables: Tables, ended: TransactionRecord, lifetime: Lifetime): void {
  tables.put(removableTable, timeKey(keptUntil(ended, lifetime), ended.txId), null);
}

/**
 * Takes what is due out of the index. An entry of an earlier version may be too early, because it counted from the
 * beginning of the transaction: it is put right.
 */
export function takeRemovable(
  tables: Tables,
  { limit, now }: { limit: number; now: number },
  lifetime: Lifetime,
): readonly TransactionRecord[] {
  return tables.scan(removableTable, { before: timeKey(now, ""), limit }).flatMap(([key]) => {
    tables.delete(removableTable, key);
    const record = readRecord(tables, keyOfTimeKey(key));
    if (record === undefined || !isEnded(record)) return [];
    if (keptUntil(record, lifetime) < now) return [record];
    addRemovable(tables, record, lifetime);
    return [];
  });
}
