// What serving and coordinating take from the machine unless a test provides it.
import { systemClock, systemRandom } from "../node/index.ts";
import type { Clock, Observer, Random } from "../ports/index.ts";
import { checkLimits, defaultLimits, type Limits } from "../protocol/index.ts";
import { type Observe, observerOf } from "./report.ts";

export interface Surroundings {
  /** Gets every observation; left out, what an operator has to know is written to standard error. */
  readonly observe?: Observe;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** @throws {InvariantViolation} for limits that do not fit together */
export function surroundingsOf({ observe, limits, clock = systemClock, random = systemRandom }: Surroundings): {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  readonly limits: Limits;
} {
  return { clock, random, observer: observerOf(observe), limits: checkLimits({ ...defaultLimits, ...limits }) };
}
