// What has been committed to the journal and not yet moved to the tables: the newest value of each key, in memory.
import type { ScanRange } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { compareKeys } from "assent/internal/engine";

/** The newest value of a key; without one the key was deleted. */
export type Entry = readonly [table: string, key: string, value?: Json];

interface Table {
  readonly entries: Map<string, Entry>;
  /** Keys in order, kept from the first scan on: most tables are never scanned. */
  ordered: string[] | undefined;
}

export class Memtable {
  readonly #tables = new Map<string, Table>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Undefined for a key that this knows nothing of. */
  get(table: string, key: string): Entry | undefined {
    return this.#tables.get(table)?.entries.get(key);
  }

  set(entry: Entry): void {
    const [name, key] = entry;
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = { entries: new Map(), ordered: undefined };
      this.#tables.set(name, table);
    }
    const { entries, ordered } = table;
    const before = entries.size;
    entries.set(key, entry);
    if (entries.size === before) return;
    this.#size += 1;
    ordered?.splice(placeOf(ordered, key), 0, key);
  }

  /** The entries of a range in key order, including deletions, one at a time: the reader stops when it has enough. */
  *scan(name: string, { after, before }: Pick<ScanRange, "after" | "before">): Generator<Entry> {
    const table = this.#tables.get(name);
    if (table === undefined) return;
    table.ordered ??= [...table.entries.keys()].sort(compareKeys);
    const { entries, ordered } = table;
    for (let at = after === undefined ? 0 : placeOf(ordered, after); at < ordered.length; at += 1) {
      const entry = entries.get(ordered[at] ?? "");
      if (entry === undefined || entry[1] === after) continue;
      if (before !== undefined && compareKeys(entry[1], before) >= 0) return;
      yield entry;
    }
  }

  /** Everything, by table and in key order, so that neighbours are written to the same page together. */
  sorted(): readonly Entry[] {
    return [...this.#tables.values()].flatMap(({ entries }) =>
      [...entries.values()].sort(([, a], [, b]) => compareKeys(a, b)),
    );
  }
}

/** Index of the first key that does not come before `key`. */
function placeOf(ordered: readonly string[], key: string): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(ordered[middle] ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
