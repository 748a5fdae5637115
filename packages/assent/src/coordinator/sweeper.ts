// The periodic sweeps of the log (R7). Every process looks after its own records that are overdue. The leader looks
// after those of dead owners, after those that live owners have let pass deadline + grace, and after what may be
// removed. What is read follows what is due, and the number of owners; never what exists.
import type { TransactionRecord } from "../protocol/index.ts";
import type { Leadership } from "./leadership.ts";
import type { Timer } from "../ports/clock.ts";
import type { UnfinishedPlace } from "../ports/transaction-log.ts";
import { Removal, type RemovalOptions } from "./removal.ts";

/** Unfinished records read at a time, and taken over at a time (R6). */
export const recoveryBatchMax = 256;
/** Owners read at a time. */
const ownersPageMax = 64;

/** done: taken over, or not to be · unknown: its branches are unknown here · failed: an error occurred. */
export type Considered = "done" | "unknown" | "failed";

export interface SweeperOptions extends RemovalOptions {
  readonly owner: string;
  readonly leadership: Leadership;
  /** Takes a record over, if it may be. Never rejects (R6). */
  readonly consider: (record: TransactionRecord, isOwnerGone: boolean) => Promise<Considered>;
}

interface Turn {
  /** False: it only looks for dead owners. */
  readonly isSweep: boolean;
  hasFailed: boolean;
  /** There was something that only others can take over: processes that know its definition. */
  isStuck: boolean;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #removal: Removal;
  /** Dead owners whose records were looked at since the last sweep: what is left cannot be taken over here. */
  readonly #lookedAt = new Set<string>();
  #sweepAt = -Infinity;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#removal = new Removal(options);
  }

  /** A log that does not answer at first is swept later (D13): the sweeps go on whatever becomes of one. */
  async start(): Promise<void> {
    await this.sweep();
    this.#sweepLater();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    void this.#options.leadership.release();
  }

  /** Never rejects. */
  sweep(): Promise<void> {
    this.#lookedAt.clear();
    return this.#turn({ isSweep: true, hasFailed: false, isStuck: false });
  }

  async #turn(turn: Turn): Promise<void> {
    const { leadership, owner } = this.#options;
    if (turn.isSweep) await this.#contained(turn, "sweep its own", () => this.#takeFrom(owner, false, turn));
    await this.#contained(turn, "sweep", () => this.#lead(turn));
    if (turn.hasFailed || turn.isStuck) await leadership.failed();
    // A turn between sweeps passes over what is stuck, and says nothing of it.
    else if (turn.isSweep) leadership.worked();
  }

  async #lead(turn: Turn): Promise<void> {
    const { environment, owner: self } = this.#options;
    let after: string | undefined;
    for (;;) {
      if (!(await this.#leads())) return;
      const owners = await environment.log.owners(after, ownersPageMax);
      for (const owner of owners) {
        if (owner !== self) await this.#contained(turn, `sweep what ${owner} has`, () => this.#lookAfter(owner, turn));
      }
      if (owners.length < ownersPageMax) break;
      after = owners.at(-1);
    }
    if (turn.isSweep) await this.#removal.run(() => this.#leads());
  }

  async #lookAfter(owner: string, turn: Turn): Promise<void> {
    const isGone = await this.#options.environment.ownership.isGone(owner);
    if (!isGone) this.#lookedAt.delete(owner);
    if (isGone ? this.#lookedAt.has(owner) : !turn.isSweep) return;
    const isDone = await this.#takeFrom(owner, isGone, turn);
    if (isGone && isDone && !turn.hasFailed) this.#lookedAt.add(owner);
  }

  /** Considers all records of a dead owner, and the overdue ones of a live one. False: it was not for long enough. */
  async #takeFrom(owner: string, isGone: boolean, turn: Turn): Promise<boolean> {
    const { environment, consider } = this.#options;
    const { log, clock, limits } = environment;
    const overdue = isGone ? {} : { deadlineBefore: clock.now() - limits.takeoverGraceMs };
    let after: UnfinishedPlace | undefined;
    for (;;) {
      if (!(await this.#mayRead(owner))) return false;
      const place = after === undefined ? {} : { after };
      const page = await log.unfinished(owner, { ...overdue, ...place, limit: recoveryBatchMax });
      const considered = await Promise.all(page.map((record) => consider(record, isGone)));
      if (page.length > 0 && !considered.includes("done")) {
        if (considered.includes("unknown")) turn.isStuck = true;
        else turn.hasFailed = true;
      }
      if (page.length < recoveryBatchMax) return true;
      after = page.at(-1);
    }
  }

  /** Asked before each page: a leader that was stalled may be none any more. */
  async #mayRead(owner: string): Promise<boolean> {
    return owner === this.#options.owner ? !this.#stopped : this.#leads();
  }

  async #leads(): Promise<boolean> {
    return !this.#stopped && (await this.#options.leadership.leads());
  }

  /** An error in what one owner has touches nobody else's (R6); a later turn comes back to it. */
  async #contained(turn: Turn, work: string, perform: () => Promise<unknown>): Promise<void> {
    try {
      await perform();
    } catch (error) {
      turn.hasFailed = true;
      this.#options.environment.observer.observe({ type: "BackgroundWorkFailed", work, error });
    }
  }

  #sweepLater(): void {
    const { clock, limits, random } = this.#options.environment;
    this.#sweepAt = clock.monotonic() + limits.sweepEveryMs * (0.5 + random.uniform());
  }

  /** With others beside it, a process comes back as often as a lease is renewed, to find dead owners soon. */
  #schedule(): void {
    if (this.#stopped) return;
    const { environment, leadership } = this.#options;
    const { clock, limits } = environment;
    const untilSweepMs = Math.max(0, this.#sweepAt - clock.monotonic());
    const waitMs = leadership.isShared ? Math.min(untilSweepMs, limits.leaseRenewMs) : untilSweepMs;
    this.#timer = clock.after(waitMs, () => void this.#turnNow().finally(() => this.#schedule()));
  }

  async #turnNow(): Promise<void> {
    if (this.#options.environment.clock.monotonic() < this.#sweepAt) {
      return this.#turn({ isSweep: false, hasFailed: false, isStuck: false });
    }
    await this.sweep();
    this.#sweepLater();
  }
}
