// What a run does next: a call to any port, or time that passes, mostly to the moment at which something changes.
import { waitingForgottenMs } from "assent/ledger";
import { defaultLimits } from "assent/internal/protocol";
import type { TestClock } from "../test-clock.ts";
import type { Call } from "./call.ts";
import type { Draw } from "./draw.ts";
import type { Model } from "./model.ts";
import { dueAt } from "./model-branches.ts";
import { outcomeKeptMs } from "./model-log.ts";
import { oddNames } from "./odd-names.ts";
import { RandomBranchCalls } from "./random-branch-calls.ts";
import { RandomLogCalls } from "./random-log-calls.ts";

const { maxAgeMs, clockSkewMs, leaseMs, releaseWaitMs } = defaultLimits;

/**
 * Time passes by 1 ms, or by more than a place in a waiting line is kept. A line in which some have gone and others
 * have not is not met here: it is only a hint (P10), and has tests of its own.
 */
const longWaitMs: number = waitingForgottenMs + 1;
/** So many moments at most are chosen from, the next ones. */
const momentsMax = 6;

export class RandomCalls {
  readonly #model: Model;
  readonly #clock: TestClock;
  readonly #draw: Draw;
  readonly #onLog: RandomLogCalls;
  readonly #onBranches: RandomBranchCalls;

  constructor(world: { readonly model: Model; readonly clock: TestClock; readonly draw: Draw }) {
    this.#model = world.model;
    this.#clock = world.clock;
    this.#draw = world.draw;
    this.#onLog = new RandomLogCalls(world);
    this.#onBranches = new RandomBranchCalls(world);
  }

  next(): Call {
    return this.#draw.weighted<() => Call>([
      [8, () => this.#onLog.next()],
      [7, () => this.#onBranches.next()],
      [4, () => this.#onBranches.nextOnAccounts()],
      [2, () => this.#onLease()],
    ])();
  }

  /** How long nothing happens before the next calls. */
  wait(): number {
    if (!this.#draw.chance(45)) return 0;
    if (this.#draw.chance(65)) return 1;
    const now = this.#clock.now();
    const moments = this.#moments()
      .flatMap((moment) => [moment, moment + 1])
      .filter((moment) => moment >= now + longWaitMs)
      .sort((a, b) => a - b);
    return moments.length === 0 ? longWaitMs : this.#draw.of(moments.slice(0, momentsMax)) - now;
  }

  /** When things of one kind change by themselves: some soon, some not for hours. */
  #moments(): readonly number[] {
    const records = [...this.#model.log.all.values()];
    const branches = [...this.#model.store.all.values()];
    const leases = [...this.#model.lease.granted.values()];
    const { attempts } = this.#onBranches;
    return this.#draw.weighted<() => readonly number[]>([
      [3, () => leases.map(({ until }) => until)],
      [3, () => records.filter(({ state }) => state === "aborting").map(({ changedAt }) => changedAt + releaseWaitMs)],
      [3, () => attempts.map(({ deadlineAt }) => deadlineAt + clockSkewMs)],
      [6, () => branches.map(dueAt)],
      [1, () => attempts.map(({ begunAt }) => begunAt + maxAgeMs)],
      [2, () => records.map(({ changedAt }) => changedAt + outcomeKeptMs)],
    ])();
  }

  #onLease(): Call {
    const name = this.#draw.chance(10) ? this.#draw.of(oddNames) : this.#draw.of(["sweeper", "order/a.1"]);
    const holder = this.#draw.of(["a", "b", "c"]);
    return this.#draw.weighted<Call>([
      [3, { port: "lease", method: "acquire", args: [name, holder, leaseMs] }],
      [1, { port: "lease", method: "release", args: [name, holder] }],
      [1, { port: "lease", method: "current", args: [name] }],
    ]);
  }
}
