// Waiting with a bound, on the injected clock.
import type { Clock } from "../ports/clock.ts";

/**
 * Those who wait now, by what they wait for. A promise is listened to once, however many come and go: what listens to
 * it stays with it until it settles, and a transaction that is stuck is asked about again and again.
 */
const waiting = new WeakMap<Promise<unknown>, Set<() => void>>();

/** The value, or undefined when it did not come within `ms`. A rejection passes through. */
export function waitFor<T>(clock: Clock, promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const waiters = waitersFor(promise);
    const settled = (): void => {
      timer.cancel();
      resolve(promise);
    };
    const timer = clock.after(ms, () => {
      waiters.delete(settled);
      resolve(undefined);
    });
    waiters.add(settled);
  });
}

function waitersFor(promise: Promise<unknown>): Set<() => void> {
  const known = waiting.get(promise);
  if (known !== undefined) return known;
  const waiters = new Set<() => void>();
  waiting.set(promise, waiters);
  const settle = (): void => {
    waiting.delete(promise);
    for (const settled of waiters) settled();
  };
  promise.then(settle, settle);
  return waiters;
}
