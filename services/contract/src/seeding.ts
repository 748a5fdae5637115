// Seeding many rows: in chunks, so that nobody else waits long; repeatable, since seeding again replaces everything.
import type { Arguments, Executor, OnceKey, Operations } from "@assent/store-keyed";
import { runKeyed } from "./idempotency-key.ts";

export interface Seeding<O extends Operations, Name extends keyof O & string> {
  readonly count: number;
  /** Rows in one atomic step. */
  readonly chunk: number;
  readonly call: (first: number, size: number) => { readonly name: Name; readonly args: Arguments<O, Name> };
}

/**
 * A crash in the middle leaves the first chunks seeded and nobody answered: seed again. Under a key each chunk is
 * seeded once, whoever repeats the request and when, so a repeat goes on where the first one ended and undoes nothing
 * that was done since. @throws {Problem}
 */
export async function seedInChunks<O extends Operations, Name extends keyof O & string>(
  store: Executor<O>,
  once: OnceKey | undefined,
  { count, chunk, call }: Seeding<O, Name>,
): Promise<void> {
  for (let first = 0; first === 0 || first < count; first += chunk) {
    await runKeyed(store, chunkKey(once, first), call(first, Math.min(chunk, count - first)));
  }
}

/**
 * The first chunk has the caller's key: another request under it is refused before anything is changed. The others
 * have keys that no caller can send, since they hold a space.
 */
function chunkKey(once: OnceKey | undefined, first: number): OnceKey | undefined {
  return once === undefined || first === 0 ? once : { ...once, key: `${once.key} ${first}` };
}
