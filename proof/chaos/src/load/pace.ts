// Keeps requests from coming faster than so many per second, whoever sends them.
import { setTimeout as pause } from "node:timers/promises";

export class Pace {
  readonly #everyMs: number;
  #nextAt = 0;

  /** Left out: as fast as they come. */
  constructor(perSecond: number | undefined) {
    this.#everyMs = perSecond === undefined ? 0 : 1_000 / perSecond;
  }

  /** Resolves when it is the caller's turn. Turns that nobody took are not made up for. */
  async turn(): Promise<void> {
    if (this.#everyMs === 0) return;
    const now = performance.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#everyMs;
    if (at - now >= 1) await pause(at - now);
  }
}
