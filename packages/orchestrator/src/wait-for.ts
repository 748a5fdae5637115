// Waiting with a bound, on the injected clock.
import type { Clock } from "./ports/clock.ts";

/** The value, or undefined when it did not come within `ms`. A rejection passes through. */
export async function waitFor<T>(clock: Clock, promise: Promise<T>, ms: number): Promise<T | undefined> {
  let expire: (value: undefined) => void = () => undefined;
  const expired = new Promise<undefined>((resolve) => {
    expire = resolve;
  });
  const timer = clock.after(ms, () => expire(undefined));
  try {
    return await Promise.race([promise, expired]);
  } finally {
    timer.cancel();
  }
}
