// Many requests by a few workers.

/** Distributes items over this many workers; rejects with the first failure. */
export async function inTurns<T, W>(
  things: readonly T[],
  workers: readonly W[],
  work: (thing: T, worker: W) => Promise<void>,
): Promise<void> {
  // One iterator for all: each thing is taken once.
  const left = things.values();
  const run = async (worker: W): Promise<void> => {
    for (const thing of left) await work(thing, worker);
  };
  await Promise.all(workers.map(run));
}
