// How long to wait before trying again: doubling, capped, with full jitter over the upper half so that many who
// failed together do not return together (Brooker, "Exponential Backoff And Jitter").
import type { Limits, RetryDelay } from "../protocol/index.ts";

export type BackoffLimits = Pick<Limits, "retryFirstMs" | "retryMaxMs" | "parkedRetryMs" | "contendedRetryMs">;

/** @param uniform in [0, 1) @returns milliseconds */
export function retryDelayMs(delay: RetryDelay, limits: BackoffLimits, uniform: number): number {
  switch (delay.kind) {
    case "backoff":
      return backoffMs(delay.attempts, limits, uniform);
    case "parked":
      return limits.parkedRetryMs * (0.5 + uniform / 2);
    case "contended":
      // A wait in proportion to the time already waited: quick for short queues, rare for long ones.
      return limits.contendedRetryMs + delay.waitedMs * 0.25 * (0.5 + uniform / 2);
  }
}

/** @param attempts failed tries so far, from 1 */
export function backoffMs(attempts: number, limits: BackoffLimits, uniform: number): number {
  const ceiling = Math.min(limits.retryMaxMs, limits.retryFirstMs * 2 ** Math.min(attempts - 1, 30));
  return ceiling * (0.5 + uniform / 2);
}
