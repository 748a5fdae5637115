// The rows beside the log.
import { type Row, type RowChange, type RowWrite, table, type Table, type Tables } from "../ports/index.ts";
import type { JsonObject } from "../protocol/index.ts";
import { changeRowStep, freshRow } from "./log-steps.ts";

export const rowTable: Table<Row> = table("rows", "records");
/** One record: how many. */
export const rowsReplacedTable: Table<number> = table("rows_replaced", "records");

export function readRow(tables: Tables, key: string): Row | undefined {
  return tables.get(rowTable, key);
}

export function writeRow(tables: Tables, row: Row): void {
  tables.put(rowTable, row.key, row);
}

/** How many rows that were committed have been replaced by seeding: what they stood for is not known any more. */
export function replacedCommitted(tables: Pick<Tables, "get">): number {
  return tables.get(rowsReplacedTable, "committed") ?? 0;
}

export const rowOperations = {
  putRow(
    tables: Tables,
    { key, incarnation, fields }: { key: string; incarnation: string; fields: JsonObject },
  ): { readonly key: string } {
    writeRow(tables, freshRow(key, incarnation, fields));
    return { key };
  },

  putRows(
    tables: Tables,
    { incarnation, rows }: { incarnation: string; rows: readonly (readonly [string, JsonObject])[] },
  ): null {
    let replaced = replacedCommitted(tables);
    for (const [key, fields] of rows) {
      if (readRow(tables, key)?.outcome === "committed") replaced += 1;
      writeRow(tables, freshRow(key, incarnation, fields));
    }
    tables.put(rowsReplacedTable, "committed", replaced);
    return null;
  },

  readRow: (tables: Tables, { key }: { key: string }): Row | null => readRow(tables, key) ?? null,

  changeRow(tables: Tables, { key, change }: { key: string; change: RowChange }): RowWrite {
    const write = changeRowStep(readRow(tables, key), change);
    if (write.kind === "changed") writeRow(tables, write.row);
    return write;
  },
};
