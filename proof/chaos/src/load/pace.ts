// Limits the rate of requests of all senders together.
import { setTimeout as pause } from "node:timers/promises";

export class Pace {
  readonly #everyMs: number;
  #nextAt = 0;

  /** Default: no limit. */
  constructor(perSecond: number | undefined) {
    this.#everyMs = perSecond === undefined ? 0 : 1_000 / perSecond;
  }

  /** Resolves in the caller's turn. Unused turns are lost. */
  async turn(): Promise<void> {
    if (this.#everyMs === 0) return;
    const now = performance.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#everyMs;
    if (at - now >= 1) await pause(at - now);
  }
}
