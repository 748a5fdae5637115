// At most once per key (the Idempotency-Key of HTTP requests): the result is stored in the step that made it.
import { operation, type ScannedTable, table, type Table, type Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

export interface OnceKey {
  readonly key: string;
  /** Of the request: the same key with another request is a mistake of the caller. */
  readonly fingerprint: number;
}

export type OnceResult<T> =
  | { readonly kind: "done"; readonly result: T; readonly repeated: boolean }
  | { readonly kind: "mismatch" };

/** How long a stored result is kept. */
export const onceKeptMs = 86_400_000;

export const onceTable: Table<OnceRecord> = table("once", "mostly_new");
export const onceDueTable: ScannedTable<null> = table("once_due", "index");

export interface OnceRecord {
  readonly fingerprint: number;
  readonly result: Json;
}

export function runOnce(
  { tables, once, now }: { tables: Tables; once: OnceKey; now: number },
  work: () => Json,
): OnceResult<Json> {
  const stored = findOnce(tables, once);
  if (stored !== undefined) return stored;
  const result = work();
  tables.put(onceTable, once.key, { fingerprint: once.fingerprint, result });
  tables.put(onceDueTable, timeKey(now + onceKeptMs, once.key), null);
  return { kind: "done", result, repeated: false };
}

/** The stored result of a key, or undefined when it has not been used. */
export function findOnce(tables: Tables, once: OnceKey): OnceResult<Json> | undefined {
  const stored = tables.get(onceTable, once.key);
  if (stored === undefined) return undefined;
  if (stored.fingerprint !== once.fingerprint) return { kind: "mismatch" };
  return { kind: "done", result: stored.result, repeated: true };
}

/** Operations of every store that answers requests at most once. */
export const onceOperations = {
  findOnce: operation("findOnce", (tables, once: OnceKey): OnceResult<Json> | null => findOnce(tables, once) ?? null),

  /** Removes up to `limit` results that were kept long enough; answers how many. */
  sweepOnce: operation("sweepOnce", (tables, { limit }: { readonly limit: number }, { now }): number => {
    const due = tables.scan(onceDueTable, { before: timeKey(now, ""), limit });
    for (const [key] of due) {
      tables.delete(onceDueTable, key);
      tables.delete(onceTable, keyOfTimeKey(key));
    }
    return due.length;
  }),
};
