// The rows beside the log.
import { operation, type Row, type RowChange, type RowWrite, table, type Table, type Tables } from "../ports/index.ts";
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

/** Puts rows with no attempt behind them in place of those of their keys, and counts the committed ones among these. */
export function putRows(tables: Tables, { incarnation, rows }: PutRowsRequest): null {
  let replaced = replacedCommitted(tables);
  for (const [key, fields] of rows) {
    if (readRow(tables, key)?.outcome === "committed") replaced += 1;
    writeRow(tables, freshRow(key, incarnation, fields));
  }
  tables.put(rowsReplacedTable, "committed", replaced);
  return null;
}

export interface PutRowsRequest {
  readonly incarnation: string;
  readonly rows: readonly (readonly [key: string, fields: JsonObject])[];
}

export interface PutRowRequest {
  readonly key: string;
  readonly incarnation: string;
  readonly fields: JsonObject;
}

export const rowOperations = {
  putRow: operation("putRow", (tables, { key, incarnation, fields }: PutRowRequest): { readonly key: string } => {
    writeRow(tables, freshRow(key, incarnation, fields));
    return { key };
  }),

  putRows: operation("putRows", putRows),

  readRow: operation(
    "readRow",
    (tables, { key }: { readonly key: string }): Row | null => readRow(tables, key) ?? null,
  ),

  changeRow: operation(
    "changeRow",
    (tables, { key, change }: { readonly key: string; readonly change: RowChange }): RowWrite => {
      const write = changeRowStep(readRow(tables, key), change);
      if (write.kind === "changed") writeRow(tables, write.row);
      return write;
    },
  ),
};
