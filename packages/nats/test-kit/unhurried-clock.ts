// A clock that runs at a twentieth of the speed. A process does not act as if it had waited for long, such as sending a
// command by another route, only because this machine has stalled.
import type { Clock } from "assent/internal/ports";
import { systemClock } from "assent/node";

const slowness = 20;

export const unhurriedClock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() / slowness,
  after: (delayMs, callback) => systemClock.after(delayMs * slowness, callback),
};

/** A duration on that clock. */
export const unhurried = (ms: number): number => ms / slowness;
