// A clock that stands still until it is advanced.
import type { Clock, Timer } from "assent/internal/ports";

/** Where every test begins, epoch milliseconds. */
export const testBeginsAt = 1_750_000_000_000;

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

export class TestClock implements Clock {
  #now = testBeginsAt;
  readonly #alarms = new Set<Alarm>();

  /** Bound, because adapters are given it as a function. */
  readonly now = (): number => this.#now;

  monotonic(): number {
    return this.#now - testBeginsAt;
  }

  after(delayMs: number, callback: () => void): Timer {
    const alarm: Alarm = { at: this.#now + Math.max(0, delayMs), callback };
    this.#alarms.add(alarm);
    return { cancel: () => void this.#alarms.delete(alarm) };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets time pass; timers fire in order, each at its time. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (let next = this.#nextUntil(until); next !== undefined; next = this.#nextUntil(until)) {
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }

  #nextUntil(until: number): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.at <= until && (first === undefined || alarm.at < first.at)) first = alarm;
    }
    return first;
  }
}

/** Lets everything that is ready now happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Turns given to something that must happen without time passing, before it counts as not happening. */
const turnsMax = 2_000;

/**
 * Resolves like `promise`, within a bounded number of turns of the event loop.
 * @throws {Error} when it has not settled by then
 */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => undefined);
  for (let turns = 0; turns < turnsMax && !settled; turns += 1) await turn();
  if (!settled) throw new Error(`${what} has not settled`);
  return watched;
}
