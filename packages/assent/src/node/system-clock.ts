// The system clock.
import type { Clock, Timer } from "../ports/index.ts";

/** The longest delay a Node timer takes; longer ones would fire at once. */
const timerMaxMs = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback): Timer {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), timerMaxMs));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** After everything that is asked for in this turn of the event loop. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback);
}
