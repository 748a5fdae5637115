// A batch: steps run in this process on cached records, recording what they read and what they would write. Steps that
// touch the same record form a conflict group; groups share nothing and are committed, or not, separately.
//
// A batch may run several times before its results count. Operations that keep state outside their tables have to
// tolerate this. The ledger's waiting line does: joining twice keeps one's place, leaving twice is leaving, and a
// branch that joined because of a stale record is removed if it does not ask again.
//
// Scans and phantoms: the rows returned by a scan are verified if the step writes anything, so that a sweep never acts
// on a row that another process has handled. Rows added meanwhile are not detected. Sweeps tolerate this: a missed row
// is still due for the next sweep, and a page of unfinished records is a hint whose every record is written by
// compare-and-set. A step that only scans is not a snapshot of the range; each of its rows is durable.
//
// Steps requested together by one process keep their order if they share a record. Other steps may be reordered: a
// group that has to be retried is overtaken, and so is a step that scanned by one that changes its rows.
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
import { absent, type KnownRecord, type ReadSet } from "./read-set.ts";
import type { RecordCache } from "./record-cache.ts";
import { recordsPerBatchMax, recordsPerStepMax } from "./redis-limits.ts";
import type { TableLayout } from "./table-layout.ts";

/** A record that a batch touched. */
export interface Access {
  readonly table: string;
  readonly key: string;
  /** A step that touched it. */
  readonly step: number;
  /** The record as read; undefined: it was only written. */
  known: KnownRecord | undefined;
}

export interface BatchOptions {
  readonly operations: BoundOperations;
  readonly layout: TableLayout;
  readonly cache: RecordCache;
  /** Records found by the last try of some of its steps. Whatever the cache drops, each try gets further. */
  readonly carried: ReadSet;
  readonly reads: BatchReads;
  readonly now: number;
  readonly refusesWrites: boolean;
}

/** Placeholder for a record that has to be read first. */
const guessed: KnownRecord = { version: "", value: undefined };

export class Batch implements StepTables {
  readonly #options: BatchOptions;
  readonly #tables: BatchTables;
  readonly #tracked: Tables;
  readonly #accesses = new Map<string, Map<string, Access>>();
  /** By step, a step of the same conflict group; itself for one of each group. */
  readonly #conflictGroupOf: number[] = [];
  readonly #results: unknown[] = [];
  /** Steps that have to run again after their reads. */
  readonly #waiting = new Set<number>();
  #size = 0;
  #sizeBefore = 0;
  #hasWritten = false;
  /** The running step was given `guessed`: it continues only to find out its other reads, and does not count. */
  #isGuessing = false;
  #scanned: (readonly [table: string, key: string, known: KnownRecord])[] = [];

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

  /** Runs steps until the batch is large; returns their number. */
  run(steps: readonly StepCall[]): number {
    const { operations, now, refusesWrites } = this.#options;
    for (const call of steps) {
      const index = this.#results.length;
      this.#conflictGroupOf.push(index);
      this.#results.push(runStep(call, { operations, tables: this, context: { now, refusesWrites } }));
      if (this.#size >= recordsPerBatchMax) break;
    }
    return this.#results.length;
  }

  /** Runs one step; if it throws, its writes are undone, but its reads count: the error depends on them. */
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
      if (this.#hasWritten) for (const [table, key, known] of this.#scanned) this.#noteRead(table, key, known);
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

  /** The conflict group of a step, named by one of its steps. */
  conflictGroupOf(step: number): number {
    let conflictGroup = step;
    for (
      let next = this.#conflictGroupOf[conflictGroup];
      next !== undefined && next !== conflictGroup;
      next = this.#conflictGroupOf[conflictGroup]
    ) {
      const after = this.#conflictGroupOf[next] ?? next;
      this.#conflictGroupOf[conflictGroup] = after;
      conflictGroup = after;
    }
    return conflictGroup;
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
      throw new Error(`a step may touch at most ${recordsPerStepMax} records; split it`);
    }
    const access: Access = { table, key, step: this.#current, known: undefined };
    records.set(key, access);
    return access;
  }

  /** The running step is in the same group as another. */
  #join(step: number): void {
    if (step === this.#current) return;
    this.#conflictGroupOf[this.conflictGroupOf(this.#current)] = this.conflictGroupOf(step);
  }

  #noteRead(table: string, key: string, known: KnownRecord): void {
    const access = this.#touch(table, key);
    access.known ??= known;
  }

  #read(table: string, key: string): Json | undefined {
    const access = this.#touch(table, key);
    access.known ??= this.#knownRecord(table, key);
    if (access.known === guessed) this.#isGuessing = true;
    return access.known.value;
  }

  #knownRecord(table: string, key: string): KnownRecord {
    const { reads, carried, cache, layout } = this.#options;
    const known = reads.record(table, key) ?? carried.get(table, key) ?? cache.get(table, key);
    if (known !== undefined) return known;
    // A record that a step gets after a scan was found by the scan: it exists.
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
    for (const { key, known } of rows) this.#scanned.push([table, key, known]);
    return rows.map(({ key, known }) => [key, known.value ?? null]);
  }

  #scan<Row>(table: ScannedTable<Row>, range: ScanRange): readonly (readonly [key: string, row: Row])[] {
    const { name } = table;
    this.#options.layout.use(table);
    if (!this.#options.layout.isOrdered(name)) throw new Error(`table ${name} is not declared as scanned`);
    // Writes of other steps of the batch in this range put this step into their group.
    for (const key of this.#tables.writes.get(name)?.keys() ?? []) {
      const access = this.#accesses.get(name)?.get(key);
      if (access !== undefined && within(key, range)) this.#join(access.step);
    }
    return this.#tables.scan(table, range);
  }

  #put<Row>(table: Table<Row>, key: string, row: NoInfer<Row>): void {
    if (row !== null && table.kind === "index") {
      throw new Error(`table ${table.name} is declared as an index, which has keys only`);
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

  /** The running step reads or writes a record. */
  #use(table: Table, key: string): void {
    this.#options.layout.use(table);
    this.#touch(table.name, key);
  }
}
