// Removes all at-most-once results that are due, however many there are. Each page is a step of its own, so that other
// steps run between two pages.
import type { Clock, Timer } from "../ports/index.ts";
import type { Executor } from "./executor.ts";
import { onceOperations } from "./once.ts";

/** How long a sweep waits after the previous one. */
export const onceSweepEveryMs = 10_000;
/** Results removed in one step. */
export const onceSweepMax = 1_000;

export interface OnceSweeperOptions {
  readonly executor: Pick<Executor, "run">;
  readonly clock: Clock;
  /** Receives the error of a sweep that failed, on a full disk for example; the next one tries again. */
  readonly report: (error: unknown) => void;
}

export class OnceSweeper {
  readonly #options: OnceSweeperOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: OnceSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(onceSweepEveryMs, () => {
      this.#sweep()
        .catch(this.#options.report)
        .finally(() => this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #sweep(): Promise<void> {
    let removed: number;
    do removed = await this.#options.executor.run(onceOperations.sweepOnce, { limit: onceSweepMax });
    while (removed === onceSweepMax && !this.#stopped);
  }
}
