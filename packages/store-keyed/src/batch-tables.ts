// The tables as the steps of one batch see them: what is committed, under what the batch has changed so far. A step
// that fails takes back its own changes and nobody else's.
import type { ScanRange, Tables } from "@assent/orchestrator";
import type { Json } from "@assent/protocol";
import type { KeyedEngine, Writes } from "./keyed-engine.ts";

/** Values kept in memory so that a record written now and read in a moment is not parsed again. */
export const cachedValuesMax = 50_000;

interface Change {
  readonly table: string;
  readonly key: string;
  readonly had: boolean;
  readonly before: Json | undefined;
}

export class BatchTables implements Tables {
  readonly #engine: KeyedEngine;
  readonly #cache = new Map<string, Map<string, Json | undefined>>();
  readonly #writes = new Map<string, Map<string, Json | undefined>>();
  #cached = 0;
  /** Changes of the step that is running, oldest first. */
  #undo: Change[] = [];

  constructor(engine: KeyedEngine) {
    this.#engine = engine;
  }

  get(table: string, key: string): Json | undefined {
    const written = this.#writes.get(table);
    if (written?.has(key) === true) return written.get(key);
    const cached = this.#cache.get(table);
    if (cached?.has(key) === true) return cached.get(key);
    const value = this.#engine.get(table, key);
    if (value !== undefined) this.#remember(table, key, value);
    return value;
  }

  put(table: string, key: string, value: Json): void {
    this.#write(table, key, value);
  }

  delete(table: string, key: string): void {
    this.#write(table, key, undefined);
  }

  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    const written = this.#writes.get(table);
    if (written === undefined || written.size === 0) return this.#engine.scan(table, range);
    // As many rows more than asked for as the batch may have deleted.
    const rows = new Map(this.#engine.scan(table, { ...range, limit: range.limit + written.size }));
    for (const [key, value] of written) {
      if (value === undefined) rows.delete(key);
      else if (within(key, range)) rows.set(key, value);
    }
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, range.limit);
  }

  /** Runs one step; when it throws, its changes are taken back and the error passes on. */
  step<T>(work: (tables: Tables) => T): T {
    this.#undo = [];
    try {
      return work(this);
    } catch (error) {
      for (const { table, key, had, before } of this.#undo.toReversed()) {
        const written = this.#writes.get(table);
        if (had) written?.set(key, before);
        else written?.delete(key);
      }
      throw error;
    }
  }

  /** What the batch has changed so far. */
  get writes(): Writes {
    return this.#writes;
  }

  get isEmpty(): boolean {
    for (const table of this.#writes.values()) if (table.size > 0) return false;
    return true;
  }

  /** The batch is durable: its values are what is committed now. */
  committed(): void {
    for (const [table, written] of this.#writes) {
      for (const [key, value] of written) {
        if (value === undefined) this.#forget(table, key);
        else this.#remember(table, key, value);
      }
      written.clear();
    }
  }

  /** The batch was not written: nothing of it happened. */
  dropped(): void {
    for (const written of this.#writes.values()) written.clear();
  }

  #write(table: string, key: string, value: Json | undefined): void {
    let written = this.#writes.get(table);
    if (written === undefined) {
      written = new Map();
      this.#writes.set(table, written);
    }
    this.#undo.push({ table, key, had: written.has(key), before: written.get(key) });
    written.set(key, value);
  }

  #remember(table: string, key: string, value: Json): void {
    if (this.#cached >= cachedValuesMax) {
      this.#cache.clear();
      this.#cached = 0;
    }
    let cached = this.#cache.get(table);
    if (cached === undefined) {
      cached = new Map();
      this.#cache.set(table, cached);
    }
    if (!cached.has(key)) this.#cached += 1;
    cached.set(key, value);
  }

  #forget(table: string, key: string): void {
    if (this.#cache.get(table)?.delete(key) === true) this.#cached -= 1;
  }
}

function within(key: string, { after, before }: ScanRange): boolean {
  return (after === undefined || key > after) && (before === undefined || key < before);
}
