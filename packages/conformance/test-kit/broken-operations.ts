// Ways to break the keyed stores: operations replaced by worse ones, tables that lose writes, and an executor whose
// steps do not see each other.
import {
  keyedAdapter,
  type KeyedAdapter,
  keyedOperations,
  type KeyedOperations,
  type Open,
  openKeyed,
} from "@assent/conformance";
import type { Table, Tables } from "assent/internal/ports";
import { BatchTables, Executor, type BoundOperations, recordTable, removeUnfinished } from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";

export type Break = (good: KeyedOperations) => Partial<KeyedOperations>;

export const goodStore: Open<KeyedAdapter> = openKeyed(() => new MemoryEngine());

/** Every port over operations of which some are broken. */
export function brokenStore(change: Break, make: () => KeyedOperations = keyedOperations): Open<KeyedAdapter> {
  return openKeyed(
    () => new MemoryEngine(),
    () => {
      const good = make();
      return { ...good, ...change(good) };
    },
  );
}

/** A port's method put in front of the good one. */
export function brokenPort(change: (good: KeyedAdapter) => Partial<KeyedAdapter>): Open<KeyedAdapter> {
  return async (clock) => {
    const { adapter, close } = await goodStore(clock);
    return { adapter: { ...adapter, ...change(adapter) }, close };
  };
}

/** Tables that lose some of what is written to them. */
export function losing(tables: Tables, isLost: (table: Table, key: string, row?: unknown) => boolean): Tables {
  return {
    get: (table, key) => tables.get(table, key),
    scan: (table, range) => tables.scan(table, range),
    put: (table, key, row) => {
      if (!isLost(table, key, row)) tables.put(table, key, row);
    },
    delete: (table, key) => {
      if (!isLost(table, key)) tables.delete(table, key);
    },
  };
}

/** Takes a record out of the index of unfinished ones. */
export function removeFromIndex(tables: Tables, txId: string): void {
  const record = tables.get(recordTable, txId);
  if (record !== undefined) removeUnfinished(tables, record);
}

/** Tables in which the rows of one look different. */
export function showing<Shown>(tables: Tables, shown: Table<Shown>, look: (row: Shown) => Shown | undefined): Tables {
  const lookAt = (key: string): Shown | undefined => {
    const row = tables.get(shown, key);
    return row === undefined ? undefined : look(row);
  };
  return {
    get: <Row>(table: Table<Row>, key: string) =>
      // The same table has the same rows.
      table.name === shown.name ? (lookAt(key) as Row | undefined) : tables.get(table, key),
    scan: (table, range) => tables.scan(table, range),
    put: (table, key, value) => tables.put(table, key, value),
    delete: (table, key) => tables.delete(table, key),
  };
}

/** Every port over an executor whose steps read what was committed before, not what was done just before them. */
export const unorderedStore: Open<KeyedAdapter> = ({ now }) => {
  const engine = new MemoryEngine();
  const operations: BoundOperations = keyedOperations();
  const executor = Executor.over(async ({ name, input }) => {
    const tables = new BatchTables(engine);
    const result = tables.step((step) => operations[name]?.(step, input as never, { now: now() }));
    await new Promise(setImmediate);
    engine.commit(tables.writes);
    return result;
  });
  return { adapter: keyedAdapter(executor), close: () => engine.close() };
};
