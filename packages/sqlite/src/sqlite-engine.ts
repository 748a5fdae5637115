// The engine in one SQLite file: synchronous, no thread of its own. WAL and synchronous=FULL make a commit survive a
// crash of the process or the machine (level D1): https://www.sqlite.org/pragma.html#pragma_synchronous
// The file is held by one connection, which spares it a lock for every read: locking_mode, on the same page.
//
// A commit appends its changes to the journal and keeps them in a memtable. When the memtable is large it is frozen,
// and each later commit moves some of it to the tables, in the same SQLite transaction; when all of it is there, its
// part of the journal goes. Reads look into the memtable, the frozen one, and the tables, in that order.
import type { ScanRange } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { EngineFull, type KeyedEngine, type Writes } from "assent/internal/engine";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Journal } from "./journal.ts";
import { type Entry, Memtable } from "./memtable.ts";
import { mergedScan } from "./merged-scan.ts";
import { StoredTable } from "./stored-table.ts";

/**
 * A commit writes whole pages: with small pages, a small commit and the move of a key to its table write less. A file
 * keeps the page size that it was made with.
 */
const pageBytes = 4_096;
/** Bytes in SQLite's log before it is copied into the file; larger means fewer, longer pauses. */
const walBytesMax = 16_777_216;
/**
 * Pages that SQLite keeps in memory. Recent writes are in the memtable, and the rest is in the system's page cache,
 * one read away: a larger cache here would keep the same pages a second time. With 8 MiB a checkout wrote the same
 * bytes in as many calls, and 18 MB of the allocator's memory were not returned at rest.
 */
const cacheKib = 1_024;
/**
 * Keys in the memtable before it is frozen: bounds memory and the time to open after a crash. Fewer keys mean more
 * writing, because a page of a table is written once for all of its keys that move together.
 */
export const memtableKeysMax = 32_768;
/** Keys moved to the tables by each commit: at least this many and twice what it wrote: moving never falls behind. */
const movedKeysMin = 64;
/** SQLite's primary result code for a full disk: https://www.sqlite.org/rescode.html#full */
const sqliteFull = 13;

/** Kept in the file's user_version; changes with the layout of the tables. */
export const formatVersion = 1;

/** Thrown where a file was written by another version of this store. `code` is stable. */
export class UnknownFormat extends Error {
  readonly code = "unknown_store_format";

  constructor(path: string, found: number) {
    super(`${path} has store format ${found}, this version reads ${formatVersion}. Nothing was changed.`);
    this.name = "UnknownFormat";
  }
}

interface Frozen {
  readonly memtable: Memtable;
  readonly entries: readonly Entry[];
  readonly lastSequence: number;
  /** Entries before this one are in the tables. */
  readonly moved: number;
}

export class SqliteEngine implements KeyedEngine {
  readonly durability = "D1";
  readonly #database: DatabaseSync;
  readonly #stored = new Map<string, StoredTable>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #journal: Journal;
  #memtable = new Memtable();
  #frozen: Frozen | undefined;
  #keysCommitted = 0;

  /** @throws {UnknownFormat} {DamagedJournal}; SQLite's error when the file cannot be opened or is no database */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      this.#configure(path);
      this.#begin = this.#database.prepare("BEGIN IMMEDIATE");
      this.#commit = this.#database.prepare("COMMIT");
      this.#journal = new Journal(this.#database);
      for (const entry of this.#journal.replay()) this.#memtable.set(entry);
      const named = this.#database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'journal'");
      for (const { name } of named.all()) {
        this.#stored.set(String(name), new StoredTable(this.#database, String(name)));
      }
    } catch (error) {
      // Releases the file, so that it can be repaired and opened again.
      this.#database.close();
      throw error;
    }
  }

  get(table: string, key: string): Json | undefined {
    const entry = this.#memtable.get(table, key) ?? this.#frozen?.memtable.get(table, key);
    if (entry !== undefined) return entry[2];
    return this.#stored.get(table)?.get(key);
  }

  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    if (range.limit < 1) return [];
    const memtables = [this.#memtable, this.#frozen?.memtable].filter((memtable) => memtable !== undefined);
    const sources = [...memtables.map((memtable) => memtable.scan(table, range)), this.#scanStored(table, range)];
    return mergedScan(sources, range.limit);
  }

  commit(writes: Writes): void {
    const entries = entriesOf(writes);
    const movedTo = this.#transaction(() => {
      this.#journal.append(entries);
      return this.#move(Math.max(movedKeysMin, 2 * entries.length));
    });
    this.#journal.appended();
    this.#keysCommitted += entries.length;
    this.#moved(movedTo);
    for (const entry of entries) this.#memtable.set(entry);
  }

  /** Writes everything that is committed to a new file. It is not flushed. */
  copyTo(path: string): void {
    this.#database.prepare("VACUUM INTO ?").run(path);
  }

  /** Rows of a table, a page at a time: as many as the limit, and more where newer entries hide some of them. */
  *#scanStored(table: string, { after, before, limit }: ScanRange): Generator<Entry> {
    const stored = this.#stored.get(table);
    // The first text after another is that text and a NUL.
    let from = after === undefined ? "" : `${after}\0`;
    for (let size = limit; stored !== undefined; size *= 2) {
      const page = stored.page(from, before, size);
      yield* page;
      from = `${page.at(-1)?.[1] ?? ""}\0`;
      if (page.length < size) return;
    }
  }

  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  /** How many keys were committed since this was opened. */
  get keysCommitted(): number {
    return this.#keysCommitted;
  }

  /**
   * Moves up to `count` keys from memory to the tables. Returns whether there are more; none on a full disk,
   * because the journal keeps what the tables lack.
   */
  settle(count: number): boolean {
    try {
      if (this.#frozen === undefined && this.#memtable.size > 0) this.#freeze();
      if (this.#frozen === undefined) return false;
      this.#moved(this.#transaction(() => this.#move(count)));
      return this.#frozen !== undefined || this.#memtable.size > 0;
    } catch (error) {
      if (error instanceof EngineFull || isFull(error)) return false;
      throw error;
    }
  }

  /** Frees the pages that SQLite keeps in memory. */
  releaseCache(): void {
    this.#database.exec("PRAGMA shrink_memory");
  }

  /** Moves everything to the tables and closes the file. */
  close(): void {
    try {
      while (this.settle(Infinity));
    } finally {
      this.#database.close();
    }
  }

  #configure(path: string): void {
    const found = this.#database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (found !== 0 && found !== formatVersion) throw new UnknownFormat(path, Number(found));
    this.#database.exec(`
      PRAGMA page_size = ${pageBytes};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${cacheKib};
      PRAGMA temp_store = MEMORY;
    `);
    const pageSize = Number(this.#database.prepare("PRAGMA page_size").get()?.["page_size"]);
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${Math.ceil(walBytesMax / pageSize)}`);
    if (found === 0) this.#database.exec(`PRAGMA user_version = ${formatVersion}`);
  }

  #freeze(): void {
    const entries = this.#memtable.sorted();
    // Before any transaction: a rolled back CREATE would leave statements for a table that is not there.
    for (const [table] of entries) this.#made(table);
    this.#frozen = { memtable: this.#memtable, entries, lastSequence: this.#journal.last, moved: 0 };
    this.#memtable = new Memtable();
  }

  /** Moves up to `count` frozen entries to the tables, inside the caller's transaction; answers how far it got. */
  #move(count: number): number {
    if (this.#frozen === undefined) return 0;
    const { entries, moved, lastSequence } = this.#frozen;
    const end = Math.min(entries.length, moved + count);
    const byTable = Map.groupBy(entries.slice(moved, end), ([table]) => table);
    for (const [table, rows] of byTable) this.#made(table).write(rows);
    if (end === entries.length) this.#journal.removeUpTo(lastSequence);
    return end;
  }

  /** The transaction of `#move` was committed. */
  #moved(end: number): void {
    if (this.#frozen === undefined) return;
    this.#frozen = end === this.#frozen.entries.length ? undefined : { ...this.#frozen, moved: end };
  }

  #transaction<T>(work: () => T): T {
    try {
      if (this.#frozen === undefined && this.#memtable.size >= memtableKeysMax) this.#freeze();
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      if (isFull(error)) throw new EngineFull(error);
      throw error;
    }
  }

  /** A table is made when something is moved to it, never by a read: reads work on a full disk too. */
  #made(name: string): StoredTable {
    let table = this.#stored.get(name);
    if (table === undefined) {
      table = StoredTable.create(this.#database, name);
      this.#stored.set(name, table);
    }
    return table;
  }
}

function entriesOf(writes: Writes): Entry[] {
  const entries: Entry[] = [];
  for (const [table, changes] of writes) {
    for (const [key, value] of changes) entries.push(value === undefined ? [table, key] : [table, key, value]);
  }
  return entries;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === sqliteFull;
}
