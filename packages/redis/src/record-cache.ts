// The server's records as this process last saw them. Correctness does not depend on the cache: every record that a
// step used is verified at its commit, and corrected if it was stale.
import type { KnownRecord } from "./read-set.ts";
import { contendedMax, contendedMs } from "./redis-limits.ts";

type Records = Map<string, Map<string, KnownRecord>>;

export class RecordCache {
  readonly #generationMax: number;
  readonly #monotonic: () => number;
  /** Two generations: used records move to the young one; when it is full, the old one is dropped as a whole. */
  #young: Records = new Map();
  #old: Records = new Map();
  #youngSize = 0;
  readonly #contended = new Map<string, number>();

  constructor({ recordsMax, monotonic }: { recordsMax: number; monotonic: () => number }) {
    this.#generationMax = Math.max(1, Math.ceil(recordsMax / 2));
    this.#monotonic = monotonic;
  }

  get(table: string, key: string): KnownRecord | undefined {
    const young = this.#young.get(table)?.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(table)?.get(key);
    if (old !== undefined) this.set(table, key, old);
    return old;
  }

  set(table: string, key: string, known: KnownRecord): void {
    let records = this.#young.get(table);
    if (records === undefined) {
      records = new Map();
      this.#young.set(table, records);
    }
    const before = records.size;
    records.set(key, known);
    this.#youngSize += records.size - before;
    if (this.#youngSize >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
  }

  forget(table: string, key: string): void {
    if (this.#young.get(table)?.delete(key) === true) this.#youngSize -= 1;
    this.#old.get(table)?.delete(key);
  }

  /** The server has another version: another process has changed the record. */
  correct(table: string, key: string, known: KnownRecord): void {
    this.set(table, key, known);
    if (this.#contended.size >= contendedMax) this.#contended.clear();
    this.#contended.set(`${table}/${key}`, this.#monotonic());
  }

  /**
   * This process has written the record. It is cached unless it is contended: the process that has just written it
   * would always be one read ahead of all others, which would never have their turn. So it reads again, too.
   */
  wrote(table: string, key: string, known: KnownRecord): void {
    if (this.#isContended(`${table}/${key}`)) this.forget(table, key);
    else this.set(table, key, known);
  }

  #isContended(name: string): boolean {
    const since = this.#contended.get(name);
    if (since === undefined) return false;
    if (this.#monotonic() - since <= contendedMs) return true;
    this.#contended.delete(name);
    return false;
  }
}
