// From a batch to the call of the script, and from its result back to the steps.
import type { BatchReads } from "./batch-reads.ts";
import type { Access, Batch } from "./batch.ts";
import { absent, type Belief, beliefOf, Beliefs, keyBelief } from "./beliefs.ts";
import type { RecordCache } from "./record-cache.ts";
import type { TableLayout } from "./table-layout.ts";
import { type Group, newGroup } from "./verify-and-apply.ts";

/** Steps that are committed together or not at all. */
interface Unit {
  expects: number;
  writes: number;
}

/** The results of the groups of a round, named as by `Batch.unitOf`. */
export interface Settlement {
  /** Groups of which nothing was applied, because a record differed. */
  readonly refused: ReadonlySet<number>;
  /** The known records of those, for their next try. */
  readonly carried: Beliefs;
}

export interface RoundOptions {
  readonly layout: TableLayout;
  readonly reads: BatchReads;
  /** Prefix of every written text. Never used before, ends in a blank. */
  readonly stamp: string;
}

export class Round {
  readonly #batch: Batch;
  readonly #options: RoundOptions;
  readonly #units = new Map<number, Unit>();
  readonly #groups = new Map<string, Group>();
  /** By server key, the accesses that it verifies, in order. */
  readonly #verified = new Map<string, Access[]>();

  constructor(batch: Batch, options: RoundOptions) {
    this.#batch = batch;
    this.#options = options;
    const accesses = [...batch.accesses.values()].flatMap((records) => [...records.values()]);
    for (const { step, belief } of accesses) if (belief !== undefined) this.#unit(step).expects += 1;
    for (const [table, changes] of batch.writes) {
      for (const key of changes.keys()) this.#unit(this.#stepOf(table, key)).writes += 1;
    }
    for (const access of accesses) this.#expect(access);
    for (const [table, changes] of batch.writes) {
      for (const [key, value] of changes) this.#write(table, key, value);
    }
  }

  /** The arguments of the script. */
  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  /** Whether every answer of the round is known without asking the server. */
  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** Whether the group of a step writes anything. */
  writes(step: number): boolean {
    return this.#unit(step).writes > 0;
  }

  /**
   * Caches the known records, and returns the groups of which nothing was applied.
   * @param differing by number of the expectation, over all groups, the current text
   */
  settle(differing: ReadonlyMap<number, string | undefined>, cache: RecordCache): Settlement {
    const refused = new Set<number>();
    const carried = new Beliefs();
    const verified = this.groups.flatMap(({ key }) => this.#verified.get(key) ?? []);
    for (const number of differing.keys()) {
      const access = verified[number];
      if (access === undefined) throw new RangeError(`unknown expectation ${number}`);
      refused.add(this.#batch.unitOf(access.step));
    }
    verified.forEach((access, number) => {
      const { table, key, step, belief } = access;
      if (belief === undefined || !refused.has(this.#batch.unitOf(step))) return;
      const isWrong = differing.has(number);
      const found = isWrong ? this.#found(table, differing.get(number)) : belief;
      carried.set(table, key, found);
      if (isWrong && this.#options.layout.kind(table) !== "index") correct(cache, access, found);
    });
    for (const [table, changes] of this.#batch.writes) {
      if (this.#options.layout.kind(table) === "index") continue;
      for (const [key, value] of changes) {
        if (refused.has(this.#batch.unitOf(this.#stepOf(table, key)))) continue;
        cache.wrote(table, key, value === undefined ? absent : { stamp: this.#options.stamp, value });
      }
    }
    return { refused, carried };
  }

  /** The result is unknown: all its records are dropped from the cache. */
  forget(cache: RecordCache): void {
    for (const records of this.#batch.accesses.values()) {
      for (const { table, key } of records.values()) cache.forget(table, key);
    }
  }

  #unit(step: number): Unit {
    const root = this.#batch.unitOf(step);
    let unit = this.#units.get(root);
    if (unit === undefined) {
      unit = { expects: 0, writes: 0 };
      this.#units.set(root, unit);
    }
    return unit;
  }

  #stepOf(table: string, key: string): number {
    return this.#batch.accesses.get(table)?.get(key)?.step ?? 0;
  }

  #group(kind: Group["kind"], key: string): Group {
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = newGroup(kind, key);
      this.#groups.set(key, group);
    }
    return group;
  }

  #expect(access: Access): void {
    const { table, key, step, belief } = access;
    if (belief === undefined || this.#isAnswered(access)) return;
    const isIndex = this.#options.layout.kind(table) === "index";
    const name = this.#options.layout.table(table);
    const { expected } = this.#group(isIndex ? "keys" : "records", name);
    expected.fields.push(key);
    expected.stamps.push(belief.stamp);
    expected.units.push(String(this.#batch.unitOf(step)));
    const verified = this.#verified.get(name);
    if (verified === undefined) this.#verified.set(name, [access]);
    else verified.push(access);
  }

  /** A single record that was read for this batch and is only read: the answer is current. */
  #isAnswered({ table, key, step, belief }: Access): boolean {
    const { expects, writes } = this.#unit(step);
    return writes === 0 && expects === 1 && this.#options.reads.record(table, key) === belief;
  }

  #write(table: string, key: string, value: unknown): void {
    const access = this.#batch.accesses.get(table)?.get(key);
    const unit = String(this.#batch.unitOf(access?.step ?? 0));
    const kind = this.#options.layout.kind(table);
    if (kind !== "index") {
      const { puts, deletes } = this.#group("records", this.#options.layout.table(table));
      if (value === undefined) add(deletes.fields, deletes.units, [unit, key]);
      else add(puts.pairs, puts.units, [unit, key, this.#options.stamp + JSON.stringify(value)]);
    }
    if (!this.#options.layout.isOrdered(table)) return;
    // An existing record is in the sorted set already.
    if (value !== undefined && kind === "ordered" && (access?.belief?.stamp ?? "") !== "") return;
    const { puts, deletes } = this.#group("keys", this.#options.layout.order(table));
    if (value === undefined) add(deletes.fields, deletes.units, [unit, key]);
    else add(puts.pairs, puts.units, [unit, "0", key]);
  }

  #found(table: string, text: string | undefined): Belief {
    if (text === undefined) return absent;
    return this.#options.layout.kind(table) === "index" ? keyBelief : beliefOf(text);
  }
}

function correct(cache: RecordCache, { table, key, belief }: Access, found: Belief): void {
  // A record assumed to be absent was unknown; a known record has been changed by another process.
  if (belief?.stamp === "") cache.set(table, key, found);
  else cache.correct(table, key, found);
}

function add(values: string[], units: string[], [unit, ...parts]: readonly [unit: string, ...parts: string[]]): void {
  values.push(...parts);
  units.push(unit);
}
