// Seeding many rows: in chunks, so that nobody else waits long; repeatable, since seeding again replaces everything.
import type { Arguments, Executor, OnceKey, onceOperations, Operations } from "@assent/store-keyed";
import { doneOf, runKeyed } from "./idempotency-key.ts";

export interface Seeding<O extends Operations, Name extends keyof O & string> {
  readonly count: number;
  /** Rows in one atomic step. */
  readonly chunk: number;
  readonly call: (first: number, size: number) => { readonly name: Name; readonly args: Arguments<O, Name> };
}

/** A crash in the middle leaves the first chunks seeded and nobody answered: seed again. @throws {Problem} */
export async function seedInChunks<O extends Operations & typeof onceOperations, Name extends keyof O & string>(
  store: Executor<O>,
  once: OnceKey | undefined,
  { count, chunk, call }: Seeding<O, Name>,
): Promise<void> {
  const stored = once === undefined ? null : await (store as Executor<typeof onceOperations>).run("findOnce", once);
  if (stored !== null) {
    doneOf(stored);
    return;
  }
  for (let first = 0; first === 0 || first < count; first += chunk) {
    const isLast = first + chunk >= count;
    await runKeyed(store, isLast ? once : undefined, call(first, Math.min(chunk, count - first)));
  }
}
