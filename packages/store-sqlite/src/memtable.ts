// What has been committed to the journal and not yet moved to the tables: the newest value of each key, in memory.
import type { ScanRange } from "@assent/orchestrator";
import type { Json } from "@assent/protocol";
import { compareKeys, within } from "@assent/store-keyed";

/** The newest value of a key; without one the key was deleted. */
export type Entry = readonly [table: string, key: string, value?: Json];

export class Memtable {
  readonly #tables = new Map<string, Map<string, Entry>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Undefined for a key that this knows nothing of. */
  get(table: string, key: string): Entry | undefined {
    return this.#tables.get(table)?.get(key);
  }

  set(entry: Entry): void {
    const [table, key] = entry;
    let entries = this.#tables.get(table);
    if (entries === undefined) {
      entries = new Map();
      this.#tables.set(table, entries);
    }
    const before = entries.size;
    entries.set(key, entry);
    this.#size += entries.size - before;
  }

  /** Lays this over rows read from below. */
  overlay(table: string, range: ScanRange, rows: Map<string, Json>): void {
    for (const [, key, value] of this.#tables.get(table)?.values() ?? []) {
      if (!within(key, range)) continue;
      if (value === undefined) rows.delete(key);
      else rows.set(key, value);
    }
  }

  /** How many keys of a table this hides or replaces at most. */
  sizeOf(table: string): number {
    return this.#tables.get(table)?.size ?? 0;
  }

  /** Everything, by table and in key order, so that neighbours are written to the same page together. */
  sorted(): readonly Entry[] {
    return [...this.#tables.values()].flatMap((entries) =>
      [...entries.values()].sort(([, a], [, b]) => compareKeys(a, b)),
    );
  }
}
