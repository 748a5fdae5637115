// The tables as the steps of one batch see them: what is committed, under what the batch has changed so far. A step
// that fails takes back its own changes and nobody else's.
import type { ScanRange, ScannedTable, Table, Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { compareKeys } from "./key-order.ts";
import type { Readable, Writes } from "./keyed-engine.ts";
import type { StepTables } from "./step.ts";

interface Change {
  readonly table: string;
  readonly key: string;
  readonly had: boolean;
  readonly before: Json | undefined;
}

export class BatchTables implements Tables, StepTables {
  readonly #engine: Readable;
  readonly #writes = new Map<string, Map<string, Json | undefined>>();
  /** Changes of the step that is running, oldest first. */
  #undo: Change[] = [];

  constructor(engine: Readable) {
    this.#engine = engine;
  }

  get<Row>({ name }: Table<Row>, key: string): Row | undefined {
    checkKey(key);
    const written = this.#writes.get(name);
    const value = written?.get(key);
    const found = value !== undefined || written?.has(key) === true ? value : this.#engine.get(name, key);
    // A table holds what was put there as its rows.
    return found as Row | undefined;
  }

  put<Row>({ name }: Table<Row>, key: string, row: NoInfer<Row>): void {
    // Rows are JSON, which the type of an interface cannot say.
    this.#write(name, key, row as Json);
  }

  delete({ name }: Table, key: string): void {
    this.#write(name, key, undefined);
  }

  scan<Row>({ name }: ScannedTable<Row>, range: ScanRange): readonly (readonly [key: string, row: Row])[] {
    checkKey(range.after);
    checkKey(range.before);
    // As in `get`.
    return this.#scan(name, range) as readonly (readonly [key: string, row: Row])[];
  }

  #scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    const written = this.#writes.get(table);
    if (written === undefined || written.size === 0) return this.#engine.scan(table, range);
    // As many rows more than asked for as the batch may have deleted.
    const rows = new Map(this.#engine.scan(table, { ...range, limit: range.limit + written.size }));
    for (const [key, value] of written) {
      if (value === undefined) rows.delete(key);
      else if (within(key, range)) rows.set(key, value);
    }
    return [...rows].sort(([a], [b]) => compareKeys(a, b)).slice(0, range.limit);
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
      this.#undo = [];
      throw error;
    }
  }

  /** Whether the latest step has changed anything. */
  get hasWritten(): boolean {
    return this.#undo.length > 0;
  }

  /** What the batch has changed so far. */
  get writes(): Writes {
    return this.#writes;
  }

  get isEmpty(): boolean {
    for (const table of this.#writes.values()) if (table.size > 0) return false;
    return true;
  }

  /** The batch is over: the engine has it now, or nothing of it happened. */
  clear(): void {
    for (const written of this.#writes.values()) written.clear();
  }

  #write(table: string, key: string, value: Json | undefined): void {
    checkKey(key);
    let written = this.#writes.get(table);
    if (written === undefined) {
      written = new Map();
      this.#writes.set(table, written);
    }
    this.#undo.push({ table, key, had: written.has(key), before: written.get(key) });
    written.set(key, value);
  }
}

/** A lone surrogate has no bytes of its own in UTF-8: an engine would take one key for another. */
function checkKey(key: string | undefined): void {
  if (key?.isWellFormed() === false) throw new TypeError(`${JSON.stringify(key)} is not well-formed Unicode`);
}

/** Whether a key lies between the bounds of a range. */
export function within(key: string, { after, before }: ScanRange): boolean {
  return (after === undefined || compareKeys(key, after) > 0) && (before === undefined || compareKeys(key, before) < 0);
}
