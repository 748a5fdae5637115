// Until when branches may vote whose steps have a time of their own, counted from when each is asked first.
import { type BranchSpec, type Verb, verbRole } from "../protocol/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { DriverTimers } from "./driver-timers.ts";

export class VoteDeadlines {
  readonly #clock: Clock;
  readonly #timers: DriverTimers;
  readonly #onPassed: (branchId: string) => void;
  /** Epoch milliseconds, by branch. */
  readonly #dueAt = new Map<string, number>();

  /** @param onPassed called once for each branch whose own time is over, whether it has voted or not */
  constructor(clock: Clock, timers: DriverTimers, onPassed: (branchId: string) => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onPassed = onPassed;
  }

  /** For a request that is sent now. Epoch milliseconds; `deadlineAt`, that of all of phase 1, at the latest. */
  of({ branchId, withinMs }: BranchSpec, verb: Verb, deadlineAt: number): number {
    if (withinMs === undefined || verbRole(verb) !== "vote") return deadlineAt;
    const known = this.#dueAt.get(branchId);
    if (known !== undefined) return known;
    const dueAt = Math.min(deadlineAt, this.#clock.now() + withinMs);
    this.#dueAt.set(branchId, dueAt);
    this.#timers.after(withinMs, () => this.#onPassed(branchId));
    return dueAt;
  }
}
