// Tables of every kind, by name: for operations that take the name of a table as their input.
import { type ScannedTable, table, type Table } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";

const tables: readonly Table<Json>[] = [
  table<Json>("records", "records"),
  table<Json>("notes", "records"),
  table<Json>("new", "mostly_new"),
  table<Json>("ordered", "ordered"),
  table("index", "index"),
];

export function tableNamed(name: string): Table<Json> {
  const found = tables.find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`unknown table ${name}`);
  return found;
}

/** The store decides whether the table may be scanned. */
export const scannedNamed = (name: string): ScannedTable<Json> => tableNamed(name) as ScannedTable<Json>;
