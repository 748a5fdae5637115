// The journal: what each commit wrote, in order, as one row. Appending one row costs a commit what its changes weigh,
// where updating every table costs it a page for each key; the tables follow later, each key once (see
// docs/adr/0003-journal-before-tables.md).
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "./memtable.ts";

/** The journal does not hold what was acknowledged. `code` is stable. Nothing was changed. */
export class DamagedJournal extends Error {
  readonly code = "damaged_journal";

  constructor(what: string, options?: ErrorOptions) {
    super(`the store's journal is damaged: ${what}. Nothing was changed; restore the file from a copy.`, options);
    this.name = "DamagedJournal";
  }
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

  /**
   * Everything that is not in the tables yet, oldest first.
   * @throws {DamagedJournal} at the first row that is missing or cannot be read
   */
  *replay(): Generator<Entry> {
    let previous: number | undefined;
    for (const row of this.#read.iterate()) {
      // The columns have the types of the table above.
      const sequence = row["sequence"] as number;
      if (previous !== undefined && sequence !== previous + 1)
        throw new DamagedJournal(`row ${previous + 1} is missing`);
      yield* entriesOf(sequence, row["changes"] as string);
      previous = sequence;
      this.#last = sequence;
    }
  }
}

function entriesOf(sequence: number, changes: string): readonly Entry[] {
  try {
    // `append` writes nothing else.
    return JSON.parse(changes) as readonly Entry[];
  } catch (cause) {
    throw new DamagedJournal(`row ${sequence} cannot be read`, { cause });
  }
}
