// From a batch to the call of the script, and from its result back to the steps.
import type { BatchReads } from "./batch-reads.ts";
import type { Access, Batch } from "./batch.ts";
import { absent, type KnownRecord, knownRecordOf, ReadSet, presentKey } from "./read-set.ts";
import type { RecordCache } from "./record-cache.ts";
import type { TableLayout } from "./table-layout.ts";
import { type Group, newGroup } from "./verify-and-apply.ts";

/** Steps that are committed together or not at all. */
interface ConflictGroup {
  expects: number;
  writes: number;
}

/** The results of the groups of a round, named as by `Batch.conflictGroupOf`. */
export interface Settlement {
  /** Groups of which nothing was applied, because a record differed. */
  readonly refused: ReadonlySet<number>;
  /** The known records of those, for their next try. */
  readonly carried: ReadSet;
}

export interface RoundOptions {
  readonly layout: TableLayout;
  readonly reads: BatchReads;
  /** Prefix of every written text. Never used before, ends in a blank. */
  readonly version: string;
}

export class Round {
  readonly #batch: Batch;
  readonly #options: RoundOptions;
  readonly #conflictGroups = new Map<number, ConflictGroup>();
  readonly #groups = new Map<string, Group>();
  /** By server key, the accesses that it verifies, in order. */
  readonly #verified = new Map<string, Access[]>();

  constructor(batch: Batch, options: RoundOptions) {
    this.#batch = batch;
    this.#options = options;
    const accesses = [...batch.accesses.values()].flatMap((records) => [...records.values()]);
    for (const { step, known } of accesses) if (known !== undefined) this.#conflictGroup(step).expects += 1;
    for (const [table, changes] of batch.writes) {
      for (const key of changes.keys()) this.#conflictGroup(this.#stepOf(table, key)).writes += 1;
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
    return this.#conflictGroup(step).writes > 0;
  }

  /**
   * Caches the known records, and returns the groups of which nothing was applied.
   * @param differing by number of the expectation, over all groups, the current text
   */
  settle(differing: ReadonlyMap<number, string | undefined>, cache: RecordCache): Settlement {
    const refused = new Set<number>();
    const carried = new ReadSet();
    const verified = this.groups.flatMap(({ key }) => this.#verified.get(key) ?? []);
    for (const number of differing.keys()) {
      const access = verified[number];
      if (access === undefined) throw new RangeError(`unknown expectation ${number}`);
      refused.add(this.#batch.conflictGroupOf(access.step));
    }
    verified.forEach((access, number) => {
      const { table, key, step, known } = access;
      if (known === undefined || !refused.has(this.#batch.conflictGroupOf(step))) return;
      const isWrong = differing.has(number);
      const found = isWrong ? this.#found(table, differing.get(number)) : known;
      carried.set(table, key, found);
      if (isWrong && this.#options.layout.kind(table) !== "index") correct(cache, access, found);
    });
    for (const [table, changes] of this.#batch.writes) {
      if (this.#options.layout.kind(table) === "index") continue;
      for (const [key, value] of changes) {
        if (refused.has(this.#batch.conflictGroupOf(this.#stepOf(table, key)))) continue;
        cache.wrote(table, key, value === undefined ? absent : { version: this.#options.version, value });
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

  #conflictGroup(step: number): ConflictGroup {
    const root = this.#batch.conflictGroupOf(step);
    let conflictGroup = this.#conflictGroups.get(root);
    if (conflictGroup === undefined) {
      conflictGroup = { expects: 0, writes: 0 };
      this.#conflictGroups.set(root, conflictGroup);
    }
    return conflictGroup;
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
    const { table, key, step, known } = access;
    if (known === undefined || this.#isAnswered(access)) return;
    const isIndex = this.#options.layout.kind(table) === "index";
    const name = this.#options.layout.table(table);
    const { expected } = this.#group(isIndex ? "keys" : "records", name);
    expected.fields.push(key);
    expected.versions.push(known.version);
    expected.conflictGroups.push(String(this.#batch.conflictGroupOf(step)));
    const verified = this.#verified.get(name);
    if (verified === undefined) this.#verified.set(name, [access]);
    else verified.push(access);
  }

  /** A single record that was read for this batch and is only read: the answer is current. */
  #isAnswered({ table, key, step, known }: Access): boolean {
    const { expects, writes } = this.#conflictGroup(step);
    return writes === 0 && expects === 1 && this.#options.reads.record(table, key) === known;
  }

  #write(table: string, key: string, value: unknown): void {
    const access = this.#batch.accesses.get(table)?.get(key);
    const conflictGroup = String(this.#batch.conflictGroupOf(access?.step ?? 0));
    const kind = this.#options.layout.kind(table);
    if (kind !== "index") {
      const { puts, deletes } = this.#group("records", this.#options.layout.table(table));
      if (value === undefined) add(deletes.fields, deletes.conflictGroups, [conflictGroup, key]);
      else add(puts.pairs, puts.conflictGroups, [conflictGroup, key, this.#options.version + JSON.stringify(value)]);
    }
    if (!this.#options.layout.isOrdered(table)) return;
    // An existing record is in the sorted set already.
    if (value !== undefined && kind === "ordered" && (access?.known?.version ?? "") !== "") return;
    const { puts, deletes } = this.#group("keys", this.#options.layout.order(table));
    if (value === undefined) add(deletes.fields, deletes.conflictGroups, [conflictGroup, key]);
    else add(puts.pairs, puts.conflictGroups, [conflictGroup, "0", key]);
  }

  #found(table: string, text: string | undefined): KnownRecord {
    if (text === undefined) return absent;
    return this.#options.layout.kind(table) === "index" ? presentKey : knownRecordOf(text);
  }
}

function correct(cache: RecordCache, { table, key, known }: Access, found: KnownRecord): void {
  // A record assumed to be absent was unknown; a known record has been changed by another process.
  if (known?.version === "") cache.set(table, key, found);
  else cache.correct(table, key, found);
}

function add(
  values: string[],
  conflictGroups: string[],
  [conflictGroup, ...parts]: readonly [conflictGroup: string, ...parts: string[]],
): void {
  values.push(...parts);
  conflictGroups.push(conflictGroup);
}
