// What has been committed to the journal and not yet moved to the tables: the newest text of each key, in memory.
import type { ScanRange } from "@assent/orchestrator";

/** The newest text of a key; undefined for a key that was deleted. */
export type Entry = readonly [table: string, key: string, text: string | undefined];

export class Memtable {
  readonly #tables = new Map<string, Map<string, string | undefined>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(table: string, key: string): boolean {
    return this.#tables.get(table)?.has(key) === true;
  }

  get(table: string, key: string): string | undefined {
    return this.#tables.get(table)?.get(key);
  }

  set([table, key, text]: Entry): void {
    let entries = this.#tables.get(table);
    if (entries === undefined) {
      entries = new Map();
      this.#tables.set(table, entries);
    }
    if (!entries.has(key)) this.#size += 1;
    entries.set(key, text);
  }

  /** Lays this over rows read from below. */
  overlay(table: string, { after, before }: ScanRange, rows: Map<string, string>): void {
    for (const [key, text] of this.#tables.get(table) ?? []) {
      if ((after !== undefined && key <= after) || (before !== undefined && key >= before)) continue;
      if (text === undefined) rows.delete(key);
      else rows.set(key, text);
    }
  }

  /** How many keys of a table this hides or replaces at most. */
  sizeOf(table: string): number {
    return this.#tables.get(table)?.size ?? 0;
  }

  /** Everything, by table and in key order, so that neighbours are written to the same page together. */
  sorted(): readonly Entry[] {
    return [...this.#tables].flatMap(([table, entries]) =>
      [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]): Entry => [table, key, text]),
    );
  }
}
