// The journal: what each commit wrote, in order, as one row. Appending one row costs a commit what its changes weigh,
// where updating every table costs it a page for each key; the tables follow later, each key once (see
// docs/adr/0003-journal-before-tables.md).
import type { Json } from "@assent/protocol";
import type { Writes } from "@assent/store-keyed";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "./memtable.ts";

interface JournalRow {
  readonly put: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly delete: Readonly<Record<string, readonly string[]>>;
}

export class Journal {
  readonly #append: StatementSync;
  readonly #remove: StatementSync;
  readonly #read: StatementSync;
  #last: number;

  constructor(database: DatabaseSync) {
    database.exec("CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY, changes TEXT NOT NULL)");
    this.#append = database.prepare("INSERT INTO journal (sequence, changes) VALUES (?, ?)");
    this.#remove = database.prepare("DELETE FROM journal WHERE sequence <= ?");
    this.#read = database.prepare("SELECT sequence, changes FROM journal ORDER BY sequence");
    this.#last = 0;
  }

  /** Number of the newest row. */
  get last(): number {
    return this.#last;
  }

  /** Appends one commit's entries, inside the caller's SQLite transaction. */
  append(entries: readonly Entry[]): void {
    this.#append.run(this.#last + 1, encode(entries));
  }

  /** The transaction of `append` was committed. */
  appended(): void {
    this.#last += 1;
  }

  /** Removes the rows up to a number, whose entries are all in the tables; inside the caller's transaction. */
  removeUpTo(sequence: number): void {
    this.#remove.run(sequence);
  }

  /** Everything that is not in the tables yet, oldest first. */
  *replay(): Generator<Entry> {
    for (const row of this.#read.iterate()) {
      this.#last = row["sequence"] as number;
      yield* decode(row["changes"] as string);
    }
  }
}

/** The entries of a batch. A value is made into text once, for the journal and the table. */
export function entriesOf(writes: Writes): Entry[] {
  const entries: Entry[] = [];
  for (const [table, changes] of writes) {
    for (const [key, value] of changes)
      entries.push([table, key, value === undefined ? undefined : JSON.stringify(value)]);
  }
  return entries;
}

function encode(entries: readonly Entry[]): string {
  const puts = new Map<string, string[]>();
  const deletes = new Map<string, string[]>();
  for (const [table, key, text] of entries) {
    const name = JSON.stringify(key);
    if (text === undefined) listOf(deletes, table).push(name);
    else listOf(puts, table).push(`${name}:${text}`);
  }
  const put = [...puts].map(([table, fields]) => `"${table}":{${fields.join(",")}}`);
  const gone = [...deletes].map(([table, keys]) => `"${table}":[${keys.join(",")}]`);
  return `{"put":{${put.join(",")}},"delete":{${gone.join(",")}}}`;
}

function* decode(changes: string): Generator<Entry> {
  const row = JSON.parse(changes) as JournalRow;
  for (const [table, fields] of Object.entries(row.put)) {
    for (const [key, value] of Object.entries(fields)) yield [table, key, JSON.stringify(value)];
  }
  for (const [table, keys] of Object.entries(row.delete)) {
    for (const key of keys) yield [table, key, undefined];
  }
}

function listOf(lists: Map<string, string[]>, table: string): string[] {
  let list = lists.get(table);
  if (list === undefined) {
    list = [];
    lists.set(table, list);
  }
  return list;
}
