// What a participant's handler sees inside its branch's atomic step: named tables of JSON values, ordered by key.
import type { Json } from "../protocol/index.ts";

export interface ScanRange {
  /** Exclusive lower bound. */
  readonly after?: string;
  /** Exclusive upper bound. */
  readonly before?: string;
  readonly limit: number;
}

/** Reads and writes of one atomic step. Values are immutable: put a new one, never change one that was read. */
export interface Tables {
  get(table: string, key: string): Json | undefined;
  put(table: string, key: string, value: Json): void;
  delete(table: string, key: string): void;
  /** In ascending order of the UTF-8 bytes of the keys, which is the order of their code points. */
  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[];
}
