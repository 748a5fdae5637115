// The journal: what each commit wrote, in order, as one row. Appending one row costs a commit what its changes weigh,
// where updating every table costs it a page for each key; the tables follow later, each key once (see
// docs/adr/0003-journal-before-tables.md).
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "./memtable.ts";

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
    this.#append.run(this.#last + 1, JSON.stringify(entries));
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
      yield* JSON.parse(row["changes"] as string) as readonly Entry[];
    }
  }
}
