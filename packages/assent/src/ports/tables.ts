// What a participant's handler sees inside its branch's atomic step: tables of JSON values, ordered by key. A table is
// a value: its definition says what a row is, and how the table is used.

/**
 * How a table is used, from which a store decides how to keep it.
 *
 * - `records`: read and written by key.
 * - `mostly_new`: the same; most keys are met for the first time when their record is made.
 * - `ordered`: also scanned.
 * - `index`: scanned, and every row is null: only its keys are kept.
 */
export type TableKind = "records" | "mostly_new" | "ordered" | "index";

export interface Table<out Row = unknown> {
  readonly name: string;
  readonly kind: TableKind;
  /** The type of a row. Never set. */
  readonly row?: Row;
}

/** A table that may be scanned. */
export interface ScannedTable<out Row = unknown> extends Table<Row> {
  readonly kind: "ordered" | "index";
}

/** Defines a table. Its name and its kind are on disk: they never change. */
export function table<Row>(name: string, kind: "records" | "mostly_new"): Table<Row>;
export function table<Row>(name: string, kind: "ordered"): ScannedTable<Row>;
export function table(name: string, kind: "index"): ScannedTable<null>;
export function table(name: string, kind: TableKind): Table {
  return { name, kind };
}

export interface ScanRange {
  /** Exclusive lower bound. */
  readonly after?: string;
  /** Exclusive upper bound. */
  readonly before?: string;
  readonly limit: number;
}

/** Reads and writes of one atomic step. Rows are JSON, and immutable: put a new one, never change one that was read. */
export interface Tables {
  get<Row>(table: Table<Row>, key: string): Row | undefined;
  put<Row>(table: Table<Row>, key: string, row: NoInfer<Row>): void;
  delete(table: Table, key: string): void;
  /** In ascending order of the UTF-8 bytes of the keys, which is the order of their code points. */
  scan<Row>(table: ScannedTable<Row>, range: ScanRange): readonly (readonly [key: string, row: Row])[];
}
