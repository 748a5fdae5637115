// A batch: steps run in this process on what it believes, noting what they believed and what they would write. Steps
// that touch the same record are one unit; units have nothing in common and are committed, or not, each on its own.
//
// A batch may run several times before its results count, and a result that counts may be the third one. Operations
// that remember something besides their tables have to bear that. The ledger's waiting line does: joining twice keeps
// one's place, leaving twice is leaving, and who joined on a wrong belief is forgotten if it does not ask again.
//
// Scans and phantoms: the rows that a scan returned are verified if the step writes anything, so that a sweep never
// acts on a row that another process has dealt with; that no row was added meanwhile is not verified. Sweeps bear it:
// a row they missed is still due for the next sweep, and a page of unfinished records is a hint whose every record is
// written by compare-and-set. A step that only scans is not a snapshot of the range; each of its rows is durable.
//
// Steps that one process asks for together keep their order where they share a record. Others need not: a unit that has
// to be tried again is overtaken, as is a step that scanned by one that changes what it has seen.
import type { ScanRange, ScannedTable, Table, Tables } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import {
  BatchTables,
  type BoundOperations,
  runStep,
  type StepCall,
  type StepTables,
  within,
  type Writes,
} from "assent/internal/engine";
import type { BatchReads } from "./batch-reads.ts";
import { notYetRead } from "./batch-reads.ts";
import { absent, type Belief, type Beliefs } from "./beliefs.ts";
import type { RecordCache } from "./record-cache.ts";
import { recordsPerBatchMax, recordsPerStepMax } from "./redis-limits.ts";
import type { TableLayout } from "./table-layout.ts";

/** A record that a batch touched. */
export interface Access {
  readonly table: string;
  readonly key: string;
  /** A step that touched it. */
  readonly step: number;
  /** What was believed when it was read; undefined: it was only written. */
  belief: Belief | undefined;
}

export interface BatchOptions {
  readonly operations: BoundOperations;
  readonly layout: TableLayout;
  readonly cache: RecordCache;
  /** What the last try of some of its steps had found out. Whatever the cache forgets, each try gets further. */
  readonly carried: Beliefs;
  readonly reads: BatchReads;
  readonly now: number;
  readonly refusesWrites: boolean;
}

/** In place of a record that has to be read first. */
const guessed: Belief = { stamp: "", value: undefined };

export class Batch implements StepTables {
  readonly #options: BatchOptions;
  readonly #tables: BatchTables;
  readonly #tracked: Tables;
  readonly #accesses = new Map<string, Map<string, Access>>();
  /** By step, a step of the same unit; itself for one of each unit. */
  readonly #unitOf: number[] = [];
  readonly #results: unknown[] = [];
  /** Steps that have to run again when what they want has been read. */
  readonly #waiting = new Set<number>();
  #size = 0;
  #sizeBefore = 0;
  #hasWritten = false;
  /** The step that runs has been told `guessed`: it goes on, to find out what else it wants, and does not count. */
  #isGuessing = false;
  #scanned: (readonly [table: string, key: string, belief: Belief])[] = [];

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#tables = new BatchTables({
      get: (table, key) => this.#read(table, key),
      scan: (table, range) => this.#readRange(table, range),
    });
    this.#tracked = {
      get: (table, key) => (this.#use(table, key), this.#tables.get(table, key)),
      put: (table, key, row) => this.#put(table, key, row),
      delete: (table, key) => this.#delete(table, key),
      scan: (table, range) => this.#scan(table, range),
    };
  }

  /** Runs steps until the batch is large; answers how many. */
  run(steps: readonly StepCall[]): number {
    const { operations, now, refusesWrites } = this.#options;
    for (const call of steps) {
      const index = this.#results.length;
      this.#unitOf.push(index);
      this.#results.push(runStep(call, { operations, tables: this, context: { now, refusesWrites } }));
      if (this.#size >= recordsPerBatchMax) break;
    }
    return this.#results.length;
  }

  /** Runs one step; when it throws, its writes are taken back, and what it read counts: the error stands on it. */
  step<T>(work: (tables: Tables) => T): T {
    this.#scanned = [];
    this.#hasWritten = false;
    this.#isGuessing = false;
    this.#sizeBefore = this.#size;
    try {
      const result = this.#tables.step(() => {
        const worked = work(this.#tracked);
        if (this.#isGuessing) throw notYetRead;
        return worked;
      });
      if (this.#hasWritten) for (const [table, key, belief] of this.#scanned) this.#believe(table, key, belief);
      return result;
    } catch (error) {
      if (this.#isGuessing) this.#waiting.add(this.#current);
      throw error;
    }
  }

  get waiting(): ReadonlySet<number> {
    return this.#waiting;
  }

  get results(): readonly unknown[] {
    return this.#results;
  }

  get accesses(): ReadonlyMap<string, ReadonlyMap<string, Access>> {
    return this.#accesses;
  }

  get writes(): Writes {
    return this.#tables.writes;
  }

  /** The unit of a step, named by one of its steps. */
  unitOf(step: number): number {
    let unit = step;
    for (let next = this.#unitOf[unit]; next !== undefined && next !== unit; next = this.#unitOf[unit]) {
      const after = this.#unitOf[next] ?? next;
      this.#unitOf[unit] = after;
      unit = after;
    }
    return unit;
  }

  get #current(): number {
    return this.#results.length;
  }

  #touch(table: string, key: string): Access {
    let records = this.#accesses.get(table);
    if (records === undefined) {
      records = new Map();
      this.#accesses.set(table, records);
    }
    const known = records.get(key);
    if (known !== undefined) {
      this.#join(known.step);
      return known;
    }
    this.#size += 1;
    if (this.#size - this.#sizeBefore > recordsPerStepMax) {
      throw new Error(`one step may touch ${recordsPerStepMax} records; make it several`);
    }
    const access: Access = { table, key, step: this.#current, belief: undefined };
    records.set(key, access);
    return access;
  }

  /** The step that runs is of the same unit as another. */
  #join(step: number): void {
    if (step === this.#current) return;
    this.#unitOf[this.unitOf(this.#current)] = this.unitOf(step);
  }

  #believe(table: string, key: string, belief: Belief): void {
    const access = this.#touch(table, key);
    access.belief ??= belief;
  }

  #read(table: string, key: string): Json | undefined {
    const access = this.#touch(table, key);
    access.belief ??= this.#belief(table, key);
    if (access.belief === guessed) this.#isGuessing = true;
    return access.belief.value;
  }

  #belief(table: string, key: string): Belief {
    const { reads, carried, cache, layout } = this.#options;
    const belief = reads.record(table, key) ?? carried.get(table, key) ?? cache.get(table, key);
    if (belief !== undefined) return belief;
    // What a step gets after a scan, it has found there: it exists.
    if (layout.kind(table) === "mostly_new" && this.#scanned.length === 0) return absent;
    reads.wantRecord(table, key);
    return guessed;
  }

  #readRange(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    const { reads } = this.#options;
    const rows = reads.range(table, range);
    if (rows === undefined) {
      reads.wantRange({ table, range });
      this.#isGuessing = true;
      return [];
    }
    for (const { key, belief } of rows) this.#scanned.push([table, key, belief]);
    return rows.map(({ key, belief }) => [key, belief.value ?? null]);
  }

  #scan<Row>(table: ScannedTable<Row>, range: ScanRange): readonly (readonly [key: string, row: Row])[] {
    const { name } = table;
    this.#options.layout.use(table);
    if (!this.#options.layout.isOrdered(name)) throw new Error(`table ${name} is not declared as scanned`);
    // What other steps of the batch have put or deleted there binds this one to them.
    for (const key of this.#tables.writes.get(name)?.keys() ?? []) {
      const access = this.#accesses.get(name)?.get(key);
      if (access !== undefined && within(key, range)) this.#join(access.step);
    }
    return this.#tables.scan(table, range);
  }

  #put<Row>(table: Table<Row>, key: string, row: NoInfer<Row>): void {
    if (row !== null && table.kind === "index") {
      throw new Error(`table ${table.name} is declared as an index, which holds keys only`);
    }
    this.#use(table, key);
    this.#hasWritten = true;
    this.#tables.put(table, key, row);
  }

  #delete(table: Table, key: string): void {
    this.#use(table, key);
    this.#hasWritten = true;
    this.#tables.delete(table, key);
  }

  /** The step that runs reads or writes a record. */
  #use(table: Table, key: string): void {
    this.#options.layout.use(table);
    this.#touch(table.name, key);
  }
}
