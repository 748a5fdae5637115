// The index of ended records by the time from which they may be removed, so that a sweep reads what is due (R7).
import {
  type LogSweep,
  type Postponed,
  type Removable,
  type RemovablePlace,
  type ScannedTable,
  table,
  type Tables,
} from "../ports/index.ts";
import { awaitsForget, isEnded, type Limits, outcomeKeptUntil, type TransactionRecord } from "../protocol/index.ts";
import { readRecord, removeRecord } from "./stored-record.ts";
import { keyOfTimeKey, timeKey, timeOfTimeKey } from "./time-key.ts";

export const removableTable: ScannedTable<null> = table("removable", "index");

type Lifetime = Pick<Limits, "maxAgeMs">;

/** Enters a record that has just ended. */
export function addRemovable(tables: Tables, ended: TransactionRecord, lifetime: Lifetime): void {
  tables.put(removableTable, timeKey(outcomeKeptUntil(ended, lifetime), ended.txId), null);
}

/**
 * Reads the records that are due: removes those that no branch can ask about any more, and returns those whose branches
 * have to forget first. An entry of an earlier version may be too early, because it counted from the beginning; it is
 * corrected.
 */
export function sweepRemovable(
  tables: Tables,
  { limit, now }: { limit: number; now: number },
  lifetime: Lifetime,
): LogSweep {
  const due = tables.scan(removableTable, { before: timeKey(now, ""), limit });
  const removable = due.flatMap(([key]): Removable[] => {
    const record = readRecord(tables, keyOfTimeKey(key));
    const isDue = record !== undefined && isEnded(record) && outcomeKeptUntil(record, lifetime) < now;
    if (isDue && awaitsForget(record)) return [{ dueAt: timeOfTimeKey(key), record }];
    tables.delete(removableTable, key);
    if (isDue) removeRecord(tables, record.txId);
    else if (record !== undefined && isEnded(record)) addRemovable(tables, record, lifetime);
    return [];
  });
  return { removable, more: due.length === limit };
}

/** Removes records of a sweep that are still due. Another process may have removed one and its name be in use (R5). */
export function removeSwept(tables: Tables, { places }: { places: readonly RemovablePlace[] }): void {
  for (const { dueAt, txId } of places) {
    if (!takeEntry(tables, { dueAt, txId })) continue;
    const record = readRecord(tables, txId);
    if (record !== undefined && isEnded(record)) removeRecord(tables, txId);
  }
}

/** Makes records of a sweep fall due again later. */
export function postponeSwept(tables: Tables, { places }: { places: readonly Postponed[] }): void {
  for (const { untilMs, ...place } of places) {
    if (takeEntry(tables, place)) tables.put(removableTable, timeKey(untilMs, place.txId), null);
  }
}

function takeEntry(tables: Tables, { dueAt, txId }: RemovablePlace): boolean {
  const key = timeKey(dueAt, txId);
  if (tables.get(removableTable, key) === undefined) return false;
  tables.delete(removableTable, key);
  return true;
}
