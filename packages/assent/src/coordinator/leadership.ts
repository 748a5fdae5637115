// Which of several processes sweeps the log for all of them (R7): the one that holds a lease.
import { defaultLimits, type Limits } from "../protocol/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";
import { type Observer, silentObserver } from "../ports/observer.ts";

/** A hint that saves work. Two leaders at once do no harm: what a sweep writes is written by compare-and-set. */
export interface Leadership {
  /** Others may lead as well: then a leader looks for dead ones as often as it renews its lease. */
  readonly isShared: boolean;
  /** Whether this process leads now. Takes or renews the lease where that is due; ask before each page of work. */
  leads(): Promise<boolean>;
  /** Reports the result of a sweep: a leader that cannot work lets another process try. */
  worked(): void;
  failed(): Promise<void>;
  /** Gives the leadership up for good. */
  release(): Promise<void>;
}

/** For a process that has no others beside it. */
export const soleLeadership: Leadership = {
  isShared: false,
  leads: () => Promise.resolve(true),
  worked: () => undefined,
  failed: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

/** Turns that fail one after the other before a leader gives up. */
export const leaderFailuresMax = 3;

export interface LeadershipOptions {
  readonly lease: Lease;
  /** The service whose log is swept. */
  readonly service: string;
  readonly owner: string;
  readonly clock: Clock;
  readonly observer?: Observer;
  readonly limits?: Limits;
}

export class LeasedLeadership implements Leadership {
  readonly isShared = true;
  readonly #options: LeadershipOptions;
  readonly #observer: Observer;
  readonly #limits: Limits;
  #askedAt = -Infinity;
  #heldUntil = -Infinity;
  /** The latest reported term. */
  #counter: number | undefined;
  #failures = 0;
  #standsBackUntil = -Infinity;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#observer = options.observer ?? silentObserver;
    this.#limits = options.limits ?? defaultLimits;
  }

  async leads(): Promise<boolean> {
    const now = this.#options.clock.monotonic();
    if (now < this.#standsBackUntil) return false;
    if (now >= this.#heldUntil || now >= this.#askedAt + this.#limits.leaseRenewMs) await this.#ask(now);
    return this.#options.clock.monotonic() < this.#heldUntil;
  }

  worked(): void {
    this.#failures = 0;
  }

  async failed(): Promise<void> {
    const now = this.#options.clock.monotonic();
    // A failure in a process that does not lead does not count against its leadership.
    if (now >= this.#heldUntil) return;
    this.#failures += 1;
    if (this.#failures < leaderFailuresMax) return;
    this.#failures = 0;
    // Long enough for every other process to have asked for the lease.
    await this.#giveUp(now + this.#limits.leaseMs);
  }

  release(): Promise<void> {
    return this.#giveUp(Infinity);
  }

  async #giveUp(standsBackUntil: number): Promise<void> {
    this.#standsBackUntil = standsBackUntil;
    this.#heldUntil = -Infinity;
    this.#report(undefined);
    await this.#release();
  }

  async #release(): Promise<void> {
    const { lease, owner } = this.#options;
    try {
      await lease.release(this.#name, owner);
    } catch (error) {
      // It lapses by itself: it is not renewed any more.
      this.#observer.observe({ type: "BackgroundWorkFailed", work: "release the sweeper's lease", error });
    }
  }

  async #ask(askedAt: number): Promise<void> {
    const { lease, owner } = this.#options;
    try {
      const { holder, counter } = await lease.acquire(this.#name, owner, this.#limits.leaseMs);
      // Given up while it was asked for: whatever came first at the store, nobody holds it now.
      if (askedAt < this.#standsBackUntil) return holder === owner ? await this.#release() : undefined;
      // Counted from before the request: the store's lease can only outlive what is believed here.
      this.#heldUntil = holder === owner ? askedAt + this.#limits.leaseMs : -Infinity;
      this.#askedAt = askedAt;
      this.#report(holder === owner ? counter : undefined);
    } catch (error) {
      this.#observer.observe({ type: "BackgroundWorkFailed", work: "take the sweeper's lease", error });
    }
  }

  #report(counter: number | undefined): void {
    if (counter === this.#counter) return;
    this.#counter = counter;
    const term = counter === undefined ? {} : { counter };
    this.#observer.observe({ type: "LeadershipChanged", leads: counter !== undefined, ...term });
  }

  get #name(): string {
    return sweeperLease(this.#options.service);
  }
}

/** The name of the lease for sweeping a service's log. */
export function sweeperLease(service: string): string {
  return `sweeper:${service}`;
}
