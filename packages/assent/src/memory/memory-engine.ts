// The engine in memory: texts in maps, so that every value goes through JSON as it would on disk. Survives nothing.
import type { ScanRange } from "../ports/index.ts";
import { type Json, parseJson } from "../protocol/index.ts";
import { compareKeys, type KeyedEngine, type Writes } from "../engine/index.ts";

interface Table {
  readonly values: Map<string, string>;
  /** Keys in order; undefined when a change has put them out of order. */
  sorted: string[] | undefined;
}

export class MemoryEngine implements KeyedEngine {
  readonly durability = "D0";
  readonly #tables = new Map<string, Table>();

  get(table: string, key: string): Json | undefined {
    const text = this.#tables.get(table)?.values.get(key);
    return text === undefined ? undefined : parseJson(text);
  }

  scan(table: string, { after, before, limit }: ScanRange): readonly (readonly [key: string, value: Json])[] {
    const found = this.#tables.get(table);
    if (found === undefined) return [];
    found.sorted ??= [...found.values.keys()].sort(compareKeys);
    const rows: (readonly [string, Json])[] = [];
    for (let index = firstAfter(found.sorted, after); index < found.sorted.length && rows.length < limit; index += 1) {
      const key = found.sorted[index];
      if (key === undefined || (before !== undefined && compareKeys(key, before) >= 0)) break;
      rows.push([key, parseJson(found.values.get(key) ?? "null")]);
    }
    return rows;
  }

  commit(writes: Writes): void {
    for (const [name, changes] of writes) {
      let table = this.#tables.get(name);
      if (table === undefined) {
        table = { values: new Map(), sorted: undefined };
        this.#tables.set(name, table);
      }
      for (const [key, value] of changes) {
        if (value === undefined) {
          if (table.values.delete(key)) table.sorted = undefined;
        } else {
          if (!table.values.has(key)) table.sorted = undefined;
          table.values.set(key, JSON.stringify(value));
        }
      }
    }
  }

  close(): void {
    this.#tables.clear();
  }
}

/** Index of the first key greater than `after` in a sorted list. */
function firstAfter(keys: readonly string[], after: string | undefined): number {
  if (after === undefined) return 0;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] ?? "", after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
