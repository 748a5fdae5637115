// One moment of several stores: their threads meet at a barrier, each stopped between two commits, and then each copies
// its own file. So no copy has a commit that follows from one that another copy lacks.

export interface StoreCopy {
  /** Path of a file that does not exist yet. */
  readonly path: string;
  /** Shared by all threads that copy at this moment. */
  readonly meeting: SharedArrayBuffer;
  /** The number of threads. */
  readonly parties: number;
}

/** How long one thread waits, stopped, for the others. */
export const meetMaxMs = 10_000;
const givenUp = -1_000;

export function newMeeting(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** The threads did not meet: nothing was copied. `code` is stable. */
export class CopyNotBegun extends Error {
  readonly code = "copy_not_begun";

  constructor() {
    super(`the stores could not be stopped at one moment within ${meetMaxMs} ms. Nothing was copied; try again.`);
    this.name = "CopyNotBegun";
  }
}

/** Returns when every party has arrived; none has committed anything since it arrived. @throws {CopyNotBegun} */
export function meet({ meeting, parties }: Omit<StoreCopy, "path">, waitMs: number = meetMaxMs): void {
  const arrivals = new Int32Array(meeting);
  Atomics.add(arrivals, 0, 1);
  Atomics.notify(arrivals, 0);
  for (;;) {
    const arrived = Atomics.load(arrivals, 0);
    if (arrived === parties) return;
    if (arrived < 0) throw new CopyNotBegun();
    const waited = Atomics.wait(arrivals, 0, arrived, waitMs);
    // Unless the last party arrives at this very moment, none continues.
    if (waited === "timed-out" && Atomics.compareExchange(arrivals, 0, arrived, givenUp) === arrived) {
      Atomics.notify(arrivals, 0);
      throw new CopyNotBegun();
    }
  }
}
