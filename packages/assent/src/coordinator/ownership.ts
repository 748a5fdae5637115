// Whether this process still owns what it began: a lease, kept by renewing it, judged by the monotonic clock.
import { defaultLimits, type Limits } from "../protocol/index.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";
import { type Observer, silentObserver } from "../ports/observer.ts";

/** Ownership is a hint that only ever takes rights away: without it silence decides nothing (C6). */
export interface Ownership {
  /** Whether this process has been the owner without a break since `since` (monotonic milliseconds). */
  isHeld(since: number): boolean;
  /** Whether another owner has gone, so that its transactions may be taken over at once (R2). */
  isGone(owner: string): Promise<boolean>;
}

/** For a process that is alone by construction: it holds an exclusive lock for as long as it lives (R2). */
export const exclusiveOwnership: Ownership = { isHeld: () => true, isGone: () => Promise.resolve(true) };

/** The lease of one instance, named after its owner name. */
export class LeasedOwnership implements Ownership {
  readonly #lease: Lease;
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #limits: Limits;
  #heldFrom = Infinity;
  /** Of the latest grant; grows with every change of holder, also from this process to itself. */
  #counter: number | undefined;
  #heldUntil = -Infinity;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: { lease: Lease; owner: string; clock: Clock; observer?: Observer; limits?: Limits }) {
    this.#lease = options.lease;
    this.#owner = options.owner;
    this.#clock = options.clock;
    this.#observer = options.observer ?? silentObserver;
    this.#limits = options.limits ?? defaultLimits;
  }

  isHeld(since: number): boolean {
    return this.#heldFrom <= since && this.#clock.monotonic() < this.#heldUntil;
  }

  async isGone(owner: string): Promise<boolean> {
    return (await this.#lease.current(ownerLease(owner))) === undefined;
  }

  /** Takes the lease and keeps renewing it. */
  async start(): Promise<void> {
    await this.#renew();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#heldUntil = -Infinity;
    await this.#lease.release(ownerLease(this.#owner), this.#owner);
  }

  async #renew(): Promise<void> {
    // Counted from before the request: the store's lease can only outlive what is believed here.
    const askedAt = this.#clock.monotonic();
    try {
      const grant = await this.#lease.acquire(ownerLease(this.#owner), this.#owner, this.#limits.leaseMs);
      if (this.#stopped) return;
      if (grant.holder === this.#owner) {
        // After a lapse other processes may have acted, so this is a new ownership. The counter reveals a
        // lapse that the store saw and this process did not.
        if (this.#counter === undefined) this.#heldFrom = askedAt;
        else if (grant.counter !== this.#counter || this.#clock.monotonic() >= this.#heldUntil) {
          this.#heldFrom = this.#clock.monotonic();
        }
        this.#counter = grant.counter;
        this.#heldUntil = askedAt + this.#limits.leaseMs;
      }
    } catch (error) {
      this.#observer.observe({ type: "BackgroundWorkFailed", work: "renew lease", error });
    }
    if (this.#stopped) return;
    this.#timer = this.#clock.after(this.#limits.leaseRenewMs, () => void this.#renew());
  }
}

/** The name of the lease that says an owner is alive. */
export function ownerLease(owner: string): string {
  return `owner:${owner}`;
}
