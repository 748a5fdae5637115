// Turns at a file: SQLite has one writer, and a connection that waits for another one of its own thread would wait for
// ever. So all stores of one file in this process have their transactions one after the other.
import { realpathSync } from "node:fs";

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs when all that was asked for before is over. */
  next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

const shared = new Map<string, WeakRef<Turns>>();

/** The turns of a file that exists, by whichever path it is named. */
export function turnsOf(path: string): Turns {
  const file = realpathSync(path);
  const known = shared.get(file)?.deref();
  if (known !== undefined) return known;
  const turns = new Turns();
  shared.set(file, new WeakRef(turns));
  return turns;
}
