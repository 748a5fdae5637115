// The engine in one SQLite file: synchronous, no thread of its own. WAL and synchronous=FULL make a commit survive a
// crash of the process or the machine (level D1): https://www.sqlite.org/pragma.html#pragma_synchronous
import type { ScanRange } from "@assent/orchestrator";
import type { Json } from "@assent/protocol";
import { EngineFull, type KeyedEngine, type Writes } from "@assent/store-keyed";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Pages in the log before it is copied into the file (4 KiB each); larger means fewer, longer pauses. */
const walPagesMax = 4_000;
const cacheKib = 65_536;
/** SQLite's primary result code for a full disk: https://www.sqlite.org/rescode.html#full */
const sqliteFull = 13;

interface TableStatements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly delete: StatementSync;
  readonly scan: StatementSync;
}

/** Thrown where a file was written by another version of this store. `code` is stable. */
export class UnknownFormat extends Error {
  readonly code = "unknown_store_format";

  constructor(path: string, found: number) {
    super(`${path} has store format ${found}, this version reads ${formatVersion}. Nothing was changed.`);
    this.name = "UnknownFormat";
  }
}

/** Kept in the file's user_version; changes with the layout of the tables. */
export const formatVersion = 1;

export class SqliteEngine implements KeyedEngine {
  readonly durability = "D1";
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, TableStatements>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @throws {UnknownFormat}; SQLite's error when the file cannot be opened or is no database */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    const found = this.#database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (found !== 0 && found !== formatVersion) {
      this.#database.close();
      throw new UnknownFormat(path, Number(found));
    }
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${walPagesMax};
      PRAGMA cache_size = -${cacheKib};
      PRAGMA temp_store = MEMORY;
      PRAGMA user_version = ${formatVersion};
    `);
    this.#begin = this.#database.prepare("BEGIN IMMEDIATE");
    this.#commit = this.#database.prepare("COMMIT");
    const tables = this.#database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name } of tables) this.#statements.set(String(name), this.#prepare(String(name)));
  }

  get(table: string, key: string): Json | undefined {
    const row = this.#statements.get(table)?.get.get(key);
    return row === undefined ? undefined : (JSON.parse(row["value"] as string) as Json);
  }

  scan(table: string, { after, before, limit }: ScanRange): readonly (readonly [key: string, value: Json])[] {
    // The first text after another is that text and a NUL. Every text sorts below any blob.
    const from = after === undefined ? "" : `${after}\0`;
    const rows = this.#statements.get(table)?.scan.all(from, before ?? new Uint8Array(), limit) ?? [];
    return rows.map((row) => [row["key"] as string, JSON.parse(row["value"] as string) as Json]);
  }

  commit(writes: Writes): void {
    try {
      // Before the transaction: a rolled back CREATE would leave statements for a table that is not there.
      for (const table of writes.keys()) this.#made(table);
      this.#begin.run();
      for (const [table, changes] of writes) {
        const statements = this.#made(table);
        for (const [key, value] of changes) {
          if (value === undefined) statements.delete.run(key);
          else statements.put.run(key, JSON.stringify(value));
        }
      }
      this.#commit.run();
    } catch (error) {
      // A full disk has rolled back already: https://www.sqlite.org/lang_transaction.html
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      if (isFull(error)) throw new EngineFull(error);
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  /** A table is made by the first write to it: reads work on a full disk too. */
  #made(table: string): TableStatements {
    let statements = this.#statements.get(table);
    if (statements === undefined) {
      this.#database.exec(`CREATE TABLE "${table}" (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`);
      statements = this.#prepare(table);
      this.#statements.set(table, statements);
    }
    return statements;
  }

  #prepare(table: string): TableStatements {
    return {
      get: this.#database.prepare(`SELECT value FROM "${table}" WHERE key = ?`),
      put: this.#database.prepare(
        `INSERT INTO "${table}" (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      ),
      delete: this.#database.prepare(`DELETE FROM "${table}" WHERE key = ?`),
      scan: this.#database.prepare(`SELECT key, value FROM "${table}" WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`),
    };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && ((error.errcode as number) & 0xff) === sqliteFull;
}
