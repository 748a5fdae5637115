// The engine under the keyed stores: named tables of texts, ordered by key, changed only by atomic batches.
import type { Json } from "../protocol/index.ts";
import type { ScanRange, Table } from "../ports/index.ts";

/** What one batch leaves: by table and key the new value, or undefined for a key to delete. */
export type Writes = ReadonlyMap<string, ReadonlyMap<string, Json | undefined>>;

/** The changes of a batch in one table. */
export function changesIn<Row>(writes: Writes, { name }: Table<Row>): ReadonlyMap<string, Row | undefined> {
  // A table holds what was put there as its rows.
  return (writes.get(name) ?? new Map()) as ReadonlyMap<string, Row | undefined>;
}

/** How much of what was committed survives what (see the fault model in README.md). */
export type Durability = "D0" | "D1" | "D2";

/** What a batch is laid over. Values are JSON and shared: neither writer nor reader may change one. */
export interface Readable {
  get(table: string, key: string): Json | undefined;
  /** In ascending order of keys (`compareKeys`). */
  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[];
}

export interface KeyedEngine extends Readable {
  readonly durability: Durability;
  /**
   * Makes the whole batch durable at the engine's level, or none of it.
   * @throws {EngineFull} when nothing was written because there is no room; anything else means: not known
   */
  commit(writes: Writes): void;
  close(): void;
}

/** No room to write. Nothing of the batch was written; the engine goes on working. `code` is stable. */
export class EngineFull extends Error {
  readonly code = "store_full";

  constructor(cause: unknown) {
    super("there is no room to write; nothing was changed. Free some space and try again.", { cause });
    this.name = "EngineFull";
  }
}
