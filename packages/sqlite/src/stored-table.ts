// One table of the file: each key, and its value as text.
import { type Json, parseJson } from "assent/internal/protocol";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "./memtable.ts";

/** Rows in one statement when many are written: running a statement costs as much as writing a row. */
const rowsAtOnce = 32;

interface Pair {
  readonly text: string;
  readonly value: Json;
}

export class StoredTable {
  readonly #name: string;
  readonly #get: StatementSync;
  readonly #scan: StatementSync;
  readonly #put: StatementSync;
  readonly #putMany: StatementSync;
  readonly #delete: StatementSync;
  #read: Pair | undefined;

  constructor(database: DatabaseSync, name: string) {
    this.#name = name;
    this.#get = database.prepare(`SELECT value FROM "${name}" WHERE key = ?`);
    this.#scan = database.prepare(`SELECT key, value FROM "${name}" WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`);
    // Making an object of a row costs more than finding the row.
    this.#get.setReturnArrays(true);
    this.#scan.setReturnArrays(true);
    this.#put = database.prepare(putting(name, 1));
    this.#putMany = database.prepare(putting(name, rowsAtOnce));
    this.#delete = database.prepare(`DELETE FROM "${name}" WHERE key = ?`);
  }

  static create(database: DatabaseSync, name: string): StoredTable {
    database.exec(`CREATE TABLE "${name}" (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`);
    return new StoredTable(database, name);
  }

  get(key: string): Json | undefined {
    // Rows are arrays of the selected columns, both texts.
    const row = this.#get.get(key) as readonly string[] | undefined;
    return row?.[0] === undefined ? undefined : this.#valueOf(row[0]);
  }

  /** One value under many keys, as seeding leaves it, is parsed once. */
  #valueOf(text: string): Json {
    if (this.#read?.text !== text) this.#read = { text, value: parseJson(text) };
    return this.#read.value;
  }

  /** Up to `size` rows from a key on, in key order. */
  page(from: string, before: string | undefined, size: number): readonly Entry[] {
    // Every text sorts below any blob.
    const rows = this.#scan.all(from, before ?? new Uint8Array(), size) as unknown as readonly [string, string][];
    return rows.map(([key, value]) => [this.#name, key, this.#valueOf(value)]);
  }

  /** Writes entries of this table, each key at most once, inside the caller's transaction. */
  write(entries: readonly Entry[]): void {
    let rows: (readonly [key: string, text: string])[] = [];
    let last: Pair | undefined;
    for (const [, key, value] of entries) {
      if (value === undefined) {
        this.#delete.run(key);
        continue;
      }
      // Seeding gives one value to many keys.
      if (last?.value !== value) last = { value, text: JSON.stringify(value) };
      rows.push([key, last.text]);
      if (rows.length < rowsAtOnce) continue;
      this.#putMany.run(...rows.flat());
      rows = [];
    }
    for (const row of rows) this.#put.run(...row);
  }
}

function putting(name: string, rows: number): string {
  const values = Array.from({ length: rows }, () => "(?, ?)").join(", ");
  return (
    `INSERT INTO "${name}" (key, value) VALUES ${values} ` + "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
  );
}
