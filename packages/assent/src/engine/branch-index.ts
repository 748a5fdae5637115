// The indexes of branch records (R7). Each record has one entry: while it may have to ask, by the time from which it
// does; afterwards by the time at which its transaction began, from which its removal is reckoned. The entry moves in
// the step that settles the record, so a sweep reads what has to ask and what has to go, and nothing of the others.
import { type ScannedTable, table, type Table, type Tables } from "../ports/index.ts";
import { type BranchRecord, keptAfterBeginMs, type Limits, shouldAsk } from "../protocol/index.ts";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

export const branchTable: Table<StoredBranch> = table("branches", "mostly_new");
export const branchesDueTable: ScannedTable<null> = table("branches_due", "index");
export const branchesRemovableTable: ScannedTable<null> = table("branches_removable", "index");

type Lifetimes = Pick<Limits, "maxAgeMs" | "askAfterMs">;

/** A record as it is stored. */
export interface StoredBranch extends BranchRecord {
  /** Where it has asked already: store time from which it asks again. */
  readonly asksAgainAt?: number;
}

export function readStoredBranch(tables: Tables, key: string): StoredBranch | undefined {
  return tables.get(branchTable, key);
}

/** Writes a record and moves its entry, if it has to. */
export function writeStoredBranch(
  tables: Tables,
  { key, before, after }: { key: string; before: StoredBranch | undefined; after: StoredBranch },
  lifetimes: Lifetimes,
): void {
  tables.put(branchTable, key, after);
  const [from, to] = [before && entryOf(key, before, lifetimes), entryOf(key, after, lifetimes)];
  if (from?.table === to.table && from.key === to.key) return;
  if (from !== undefined) tables.delete(from.table, from.key);
  enter(tables, to);
}

/**
 * Reads up to `limit` records that are due to ask, which fall due again later. An entry of an earlier version may be
 * that of a record that asks no more: it is moved.
 */
export function sweepAsking(
  tables: Tables,
  { limit, now }: { limit: number; now: number },
  lifetimes: Lifetimes,
): { readonly looked: number; readonly asking: readonly (readonly [key: string, record: StoredBranch])[] } {
  const due = tables.scan(branchesDueTable, { before: timeKey(now, ""), limit });
  const asking = due.flatMap(([dueKey]) => {
    const key = keyOfTimeKey(dueKey);
    tables.delete(branchesDueTable, dueKey);
    const record = readStoredBranch(tables, key);
    if (record === undefined) return [];
    const asksAgain = shouldAsk(record);
    const after = asksAgain ? { ...record, asksAgainAt: now + lifetimes.askAfterMs } : record;
    if (asksAgain) tables.put(branchTable, key, after);
    enter(tables, entryOf(key, after, lifetimes));
    return asksAgain ? [[key, record] as const] : [];
  });
  return { looked: due.length, asking };
}

/**
 * P7: removes up to `limit` records that may go; returns how many. None of them is read: a record with an entry here is
 * final, and stays as it is until it is removed with its entry.
 */
export function removeOldBranches(
  tables: Tables,
  { limit, now }: { limit: number; now: number },
  lifetimes: Lifetimes,
): number {
  const old = tables.scan(branchesRemovableTable, { before: timeKey(now - keptAfterBeginMs(lifetimes), ""), limit });
  for (const [entry] of old) {
    tables.delete(branchesRemovableTable, entry);
    tables.delete(branchTable, keyOfTimeKey(entry));
  }
  return old.length;
}

function enter(tables: Tables, entry: Entry): void {
  tables.put(entry.table, entry.key, null);
}

function entryOf(key: string, record: StoredBranch, { askAfterMs }: Lifetimes): Entry {
  if (shouldAsk(record))
    return { table: branchesDueTable, key: timeKey(record.asksAgainAt ?? record.begunAt + askAfterMs, key) };
  return { table: branchesRemovableTable, key: timeKey(record.begunAt, key) };
}

interface Entry {
  readonly table: ScannedTable<null>;
  readonly key: string;
}
