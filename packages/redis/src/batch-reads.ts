// The records that one batch has read from the server before it runs, and those that it still has to read. Read once
// per batch: its steps run again on the same values, so each read gets it further.
import type { ScanRange } from "assent/internal/ports";
import { type KnownRecord, ReadSet } from "./read-set.ts";
import { rangeSlack } from "./redis-limits.ts";

export interface ScannedRow {
  readonly key: string;
  readonly known: KnownRecord;
}

/** A range of a table that was read, or has to be read. */
export interface RangeRead {
  readonly table: string;
  readonly range: ScanRange;
}

/** Cancels a step that used a record not read yet. Always the same error: its stack has no information. */
export const notYetRead = new Error("a record has to be read first");

export class BatchReads {
  readonly #records = new ReadSet();
  readonly #ranges: (RangeRead & { readonly rows: readonly ScannedRow[] })[] = [];
  #wantedRecords = new Map<string, Set<string>>();
  #wantedRanges: RangeRead[] = [];

  record(table: string, key: string): KnownRecord | undefined {
    return this.#records.get(table, key);
  }

  range(table: string, { after, before, limit }: ScanRange): readonly ScannedRow[] | undefined {
    for (const { table: other, range, rows } of this.#ranges) {
      const isSame = other === table && range.after === after && range.before === before;
      if (isSame && (range.limit >= limit || rows.length < range.limit)) return rows.slice(0, limit);
    }
    return undefined;
  }

  /** Requests a record to be read before the batch runs again. */
  wantRecord(table: string, key: string): void {
    const keys = this.#wantedRecords.get(table);
    if (keys === undefined) this.#wantedRecords.set(table, new Set([key]));
    else keys.add(key);
  }

  /** Requests a range to be read before the batch runs again. */
  wantRange({ table, range }: RangeRead): void {
    this.#wantedRanges.push({ table, range: { ...range, limit: range.limit + rangeSlack } });
  }

  get isWanting(): boolean {
    return this.#wantedRecords.size > 0 || this.#wantedRanges.length > 0;
  }

  /** Requests since the last call. */
  takeWanted(): { records: ReadonlyMap<string, ReadonlySet<string>>; ranges: readonly RangeRead[] } {
    const wanted = { records: this.#wantedRecords, ranges: this.#wantedRanges };
    this.#wantedRecords = new Map();
    this.#wantedRanges = [];
    return wanted;
  }

  setRecord(table: string, key: string, known: KnownRecord): void {
    this.#records.set(table, key, known);
  }

  setRange(read: RangeRead, rows: readonly ScannedRow[]): void {
    this.#ranges.push({ ...read, rows });
  }
}
