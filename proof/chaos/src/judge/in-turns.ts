// Many requests by a few workers.

/** Distributes items over this many workers; rejects with the first failure. */
export async function inTurns<T, W>(
  things: readonly T[],
  workers: readonly W[],
  work: (thing: T, worker: W) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (worker: W): Promise<void> => {
    while (next < things.length) {
      const thing = things[next] as T;
      next += 1;
      await work(thing, worker);
    }
  };
  await Promise.all(workers.map(run));
}
