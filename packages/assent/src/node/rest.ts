// Notices that a part of the process has come to rest after work, so that it can let go of what only work needs.
import type { Clock, Timer } from "../ports/index.ts";

/**
 * How long a part must have had next to no work before it is at rest. The work after a rest starts with cold code and
 * small heaps, so a short pause must not count as one.
 */
export const restAfterMs = 30_000;
/** Work that does not count, such as probes of health and the sweeps of a system at rest. */
export const restWorkMax = 50;

export interface RestOptions {
  readonly clock: Clock;
  /** The units of work so far, such as requests or keys written. */
  readonly work: () => number;
  /** Called at each rest that follows work, and once after the start. */
  readonly onRest: () => void;
}

export class Rest {
  readonly #options: RestOptions;
  #timer: Timer | undefined;
  #seen = 0;
  #restedAt = -Infinity;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(restAfterMs, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { work, onRest } = this.#options;
    const now = work();
    if (now - this.#seen <= restWorkMax && now - this.#restedAt > restWorkMax) {
      this.#restedAt = now;
      onRest();
    }
    this.#seen = now;
  }
}
