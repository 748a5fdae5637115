// The timers of one driver: all stop when it is done, and retries can be brought forward.
import type { Clock, Timer } from "../ports/clock.ts";

export class DriverTimers {
  readonly #clock: Clock;
  readonly #running = new Set<Timer>();
  /** What will be tried again. */
  #retries = new Map<Timer, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(delayMs: number, act: () => void): Timer {
    const timer = this.#clock.after(delayMs, () => {
      this.#forget(timer);
      act();
    });
    this.#running.add(timer);
    return timer;
  }

  retryAfter(delayMs: number, retry: () => void): void {
    this.#retries.set(this.after(delayMs, retry), retry);
  }

  cancel(timer: Timer): void {
    timer.cancel();
    this.#forget(timer);
  }

  /** Retries at once what would be tried again later. What that leads to is later. */
  retryNow(): void {
    const due = this.#retries;
    this.#retries = new Map();
    for (const [timer, retry] of due) {
      // An earlier one may have ended everything.
      if (!this.#running.has(timer)) continue;
      this.cancel(timer);
      retry();
    }
  }

  cancelAll(): void {
    for (const timer of this.#running) this.cancel(timer);
  }

  #forget(timer: Timer): void {
    this.#running.delete(timer);
    this.#retries.delete(timer);
  }
}
