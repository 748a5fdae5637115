// R1, R2: a lease is a hint that only ever takes rights away.
import { defaultLimits } from "../protocol/index.ts";
import { memoryLog } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MortalProcess } from "../testing/mortal-process.ts";
import { VirtualClock } from "../testing/index.ts";
import { exclusiveOwnership, LeasedOwnership, ownerLease } from "./ownership.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";
import type { Observation } from "../ports/observer.ts";

const { leaseMs, leaseRenewMs } = defaultLimits;

interface Owned {
  readonly clock: VirtualClock;
  /** Of the store, undisturbed. */
  readonly lease: Lease;
  readonly ownership: LeasedOwnership;
  readonly observed: Observation[];
  /** While true, the lease's store does not answer. */
  readonly store: { silent: boolean; slowMs: number };
  readonly start: (owner: string) => LeasedOwnership;
}

async function owned(): Promise<Owned> {
  const clock = new VirtualClock();
  const { lease } = memoryLog({ clock, schedule: (callback) => void clock.after(0, callback) });
  const store = { silent: false, slowMs: 0 };
  const observed: Observation[] = [];
  const start = (owner: string): LeasedOwnership =>
    new LeasedOwnership({
      lease: {
        ...lease,
        async acquire(...request) {
          if (store.silent) throw new Error("no answer");
          if (store.slowMs > 0) await new Promise<void>((resolve) => void clock.after(store.slowMs, resolve));
          return lease.acquire(...request);
        },
      },
      owner,
      clock,
      observer: { observe: (observation) => observed.push(observation) },
    });
  const ownership = start("a.1");
  await clock.until(ownership.start());
  return { clock, lease, ownership, observed, store, start };
}

test("R2 the lease is held from when it was asked for, and renewed before it lapses", async () => {
  const { clock, ownership } = await owned();
  const since = clock.monotonic();
  assert.ok(ownership.isHeld(since));
  assert.ok(!ownership.isHeld(-1), "not from before it was held");
  for (let passed = 0; passed < 10 * leaseMs; passed += leaseRenewMs / 2) {
    await clock.advance(leaseRenewMs / 2);
    assert.ok(ownership.isHeld(since), `after ${passed} ms`);
  }
});

test("a failed renewal keeps the lease until it lapses, is reported, and is retried", async () => {
  const { clock, ownership, observed, store } = await owned();
  const since = clock.monotonic();
  store.silent = true;
  await clock.advance(leaseRenewMs + 1);
  assert.ok(ownership.isHeld(since));
  assert.equal(observed.at(-1)?.type, "BackgroundWorkFailed");
  store.silent = false;
  await clock.advance(leaseMs);
  assert.ok(ownership.isHeld(since), "renewed in time: never lost");
});

test("C6, R2 after a lapse it is a new ownership: what began before has lost its right", async () => {
  const { clock, ownership, store } = await owned();
  const since = clock.monotonic();
  store.silent = true;
  await clock.advance(leaseMs + 1);
  assert.ok(!ownership.isHeld(since), "lapsed by the own clock, whatever the store says");
  store.silent = false;
  await clock.advance(leaseRenewMs + 1);
  assert.ok(!ownership.isHeld(since));
  assert.ok(ownership.isHeld(clock.monotonic()));
});

test("R1, R2 another owner is gone when its lease has lapsed; a restarted process is another owner", async () => {
  const { clock, ownership, start } = await owned();
  const restarted = start("a.2");
  await clock.until(restarted.start());
  assert.equal(await clock.until(restarted.isGone("a.1")), false);
  assert.equal(await clock.until(restarted.isGone("never.1")), true);
  await clock.until(ownership.stop());
  assert.ok(!ownership.isHeld(clock.monotonic()));
  assert.equal(await clock.until(restarted.isGone("a.1")), true, "given back at the stop");
});

test("R2 an exclusive lock is held for life, and everybody else is gone", async () => {
  assert.ok(exclusiveOwnership.isHeld(0));
  assert.equal(await exclusiveOwnership.isGone("another"), true);
});

/** Leases of one store, and a bus to it that takes as long as a test says, on the way back. */
function leases(clock: VirtualClock): { lease: Lease; asked: string[]; reply: { afterMs: number } } {
  const { lease } = memoryLog({ clock, schedule: (callback) => void clock.after(0, callback) });
  const asked: string[] = [];
  const reply = { afterMs: 0 };
  const acquire: Lease["acquire"] = async (name, holder, ttlMs) => {
    asked.push(holder);
    const grant = await lease.acquire(name, holder, ttlMs);
    const { afterMs } = reply;
    if (afterMs > 0) await new Promise<void>((resolve) => void clock.after(afterMs, resolve));
    return grant;
  };
  return { lease: { ...lease, acquire }, asked, reply };
}

/** A clock whose timers fire late: when the pause of their process is over. */
class PausedClock implements Clock {
  readonly #clock: Clock;
  #waiting: (() => void)[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now = (): number => this.#clock.now();
  monotonic = (): number => this.#clock.monotonic();

  after(delayMs: number, callback: () => void): ReturnType<Clock["after"]> {
    return this.#clock.after(delayMs, () => (this.#waiting === undefined ? callback() : this.#waiting.push(callback)));
  }

  pause(): void {
    this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const callback of waiting) callback();
  }
}

test("C6 before it is granted nothing is held, and what began before the grant never is", async () => {
  const clock = new VirtualClock();
  const { lease } = leases(clock);
  const ownership = new LeasedOwnership({ lease, owner: "a.1", clock });
  assert.ok(!ownership.isHeld(clock.monotonic()));
  await clock.advance(100);
  await clock.until(ownership.start());
  assert.ok(!ownership.isHeld(99));
  assert.ok(ownership.isHeld(100));
});

test("C6, R2 a pause longer than the lease ends the right at once, before anything else runs", async () => {
  const clock = new VirtualClock();
  const own = new PausedClock(clock);
  const ownership = new LeasedOwnership({ lease: leases(clock).lease, owner: "a.1", clock: own });
  await clock.until(ownership.start());
  own.pause();
  await clock.advance(leaseMs - 1);
  assert.ok(ownership.isHeld(0), "shorter than the lease");
  await clock.advance(1);
  assert.ok(!ownership.isHeld(0));
  own.goOn();
  assert.ok(!ownership.isHeld(0));
  await clock.advance(1);
  assert.ok(ownership.isHeld(leaseMs), "a new ownership, from the renewal on");
  await clock.advance(10 * leaseMs);
  assert.ok(!ownership.isHeld(0) && !ownership.isHeld(leaseMs - 1), "what began before never gets its right back");
  assert.ok(ownership.isHeld(leaseMs));
});

test("C6 a pause shorter than the lease is no break", async () => {
  const clock = new VirtualClock();
  const own = new PausedClock(clock);
  const ownership = new LeasedOwnership({ lease: leases(clock).lease, owner: "a.1", clock: own });
  await clock.until(ownership.start());
  own.pause();
  await clock.advance(leaseMs - 1);
  own.goOn();
  await clock.advance(leaseMs);
  assert.ok(ownership.isHeld(0));
});

test("C6 a lease is counted from when it was asked for: a grant that comes too late is worth nothing", async () => {
  const clock = new VirtualClock();
  const { lease, reply } = leases(clock);
  const ownership = new LeasedOwnership({ lease, owner: "a.1", clock });
  await clock.until(ownership.start());
  reply.afterMs = leaseMs + 1;
  await clock.advance(leaseRenewMs + leaseMs + 2);
  assert.ok(!ownership.isHeld(0), "granted in time, heard of too late");
  assert.ok(!ownership.isHeld(clock.monotonic()));
  reply.afterMs = 0;
  await clock.advance(leaseRenewMs + 1);
  assert.ok(!ownership.isHeld(leaseRenewMs));
  assert.ok(ownership.isHeld(clock.monotonic()));
});

test("R2 a process that died without a word is gone when its lease lapses, and not before", async () => {
  const clock = new VirtualClock();
  const { lease } = leases(clock);
  const process = new MortalProcess(clock);
  const dying = new LeasedOwnership({ lease, owner: "a.1", clock: process.clock });
  const other = new LeasedOwnership({ lease, owner: "b.1", clock });
  await clock.until(dying.start());
  await clock.advance(leaseRenewMs + 1);
  process.die();
  await clock.advance(leaseMs - 2);
  assert.equal(await clock.until(other.isGone("a.1")), false, "its last renewal counts");
  assert.ok(dying.isHeld(0), "it is never gone for others while it holds by its own clock");
  await clock.advance(2);
  assert.equal(await clock.until(other.isGone("a.1")), true);
});

test("R1 a restarted process owns nothing that began before it, and does not revive its former self", async () => {
  const clock = new VirtualClock();
  const { lease } = leases(clock);
  const process = new MortalProcess(clock);
  await clock.until(new LeasedOwnership({ lease, owner: "a.1", clock: process.clock }).start());
  const since = clock.monotonic();
  await clock.advance(1_000);
  process.die();
  const restarted = new LeasedOwnership({ lease, owner: "a.2", clock });
  await clock.until(restarted.start());
  assert.ok(!restarted.isHeld(since));
  assert.ok(restarted.isHeld(clock.monotonic()));
  await clock.advance(leaseMs);
  assert.equal(await clock.until(restarted.isGone("a.1")), true, "renewing the one renews nothing of the other");
  assert.equal(await clock.until(restarted.isGone("a.2")), false);
});

test("R2 a store that does not answer says of nobody that it is gone", async () => {
  const clock = new VirtualClock();
  const lease = { ...leases(clock).lease, current: () => Promise.reject(new Error("no answer")) };
  const ownership = new LeasedOwnership({ lease, owner: "b.1", clock });
  await assert.rejects(clock.until(ownership.isGone("a.1")), { message: "no answer" });
});

test("R1 after the stop nothing is renewed, also where a renewal was under way", async () => {
  const clock = new VirtualClock();
  const { lease, asked, reply } = leases(clock);
  const ownership = new LeasedOwnership({ lease, owner: "a.1", clock });
  await clock.until(ownership.start());
  reply.afterMs = 500;
  await clock.advance(leaseRenewMs + 1);
  assert.equal(asked.length, 2, "the renewal is under way");
  await clock.until(ownership.stop());
  await clock.advance(500);
  assert.ok(!ownership.isHeld(clock.monotonic()) && !ownership.isHeld(0), "its grant gives no right back");
  await clock.advance(10 * leaseMs);
  assert.equal(asked.length, 2);
});

test("C6, R2 a renewal asked for before the lapse and granted after it is a new ownership", async () => {
  const { clock, ownership, start, store } = await owned();
  const since = clock.monotonic();
  store.slowMs = leaseMs - leaseRenewMs + 900;
  await clock.advance(leaseMs + 500);
  assert.equal(await clock.until(start("b.1").isGone("a.1")), true, "others may take over");
  store.slowMs = 0;
  await clock.advance(1_000);
  assert.ok(ownership.isHeld(clock.monotonic()), "granted in the end");
  assert.ok(!ownership.isHeld(since), "and what began before has lost its right for good");
});

test("C6, R2 a lapse that only the store saw is a new ownership, although the own clock saw no break", async () => {
  const { clock, ownership, start, lease, store } = await owned();
  const since = clock.monotonic();
  await clock.advance(leaseRenewMs / 2);
  await clock.until(lease.release(ownerLease("a.1"), "a.1"));
  assert.equal(await clock.until(start("b.1").isGone("a.1")), true, "others may take over");
  store.slowMs = 500;
  await clock.advance(leaseRenewMs / 2);
  const whileAsked = clock.monotonic();
  await clock.advance(store.slowMs + 1);
  assert.ok(!ownership.isHeld(since), "granted again, with a higher counter");
  assert.ok(!ownership.isHeld(whileAsked), "others may have acted until the grant");
  const again = clock.monotonic();
  assert.ok(ownership.isHeld(again));
  await clock.advance(10 * leaseMs);
  assert.ok(!ownership.isHeld(since), "what began before the lapse never gets its right back");
  assert.ok(ownership.isHeld(again), "later renewals keep the counter");
});

test("C6, R2 a lapse that only the own clock saw is a new ownership, although the store kept the lease", async () => {
  const clock = new VirtualClock();
  const { lease } = leases(clock);
  let slowMs = 900;
  const acquire: Lease["acquire"] = async (...request) => {
    await new Promise<void>((resolve) => void clock.after(slowMs, resolve));
    return lease.acquire(...request);
  };
  const ownership = new LeasedOwnership({ lease: { ...lease, acquire }, owner: "a.1", clock });
  await clock.until(ownership.start());
  const since = clock.monotonic();
  const first = await clock.until(lease.current(ownerLease("a.1")));
  // The store's lease is counted from the arrival of the request: it lasts 900 ms longer than the owner's own.
  slowMs = leaseMs - leaseRenewMs - 400;
  await clock.advance(leaseRenewMs + slowMs + 10);
  assert.equal((await clock.until(lease.current(ownerLease("a.1"))))?.counter, first?.counter, "renewed in time there");
  assert.ok(ownership.isHeld(clock.monotonic()));
  assert.ok(!ownership.isHeld(since), "and too late here");
});

test("R1 the lease of this owner in the hands of another gives no right", async () => {
  const clock = new VirtualClock();
  const { lease } = leases(clock);
  await clock.until(lease.acquire(ownerLease("a.1"), "b.1", leaseMs));
  const ownership = new LeasedOwnership({ lease, owner: "a.1", clock });
  await clock.until(ownership.start());
  assert.ok(!ownership.isHeld(clock.monotonic()));
});

test("R1 a stop cancels the renewal that is due, and one that fails meanwhile is not tried again", async () => {
  for (const isUnderWay of [false, true]) {
    const clock = new VirtualClock();
    const { lease } = leases(clock);
    let asked = 0;
    let fails = false;
    const acquire: Lease["acquire"] = async (...request) => {
      asked += 1;
      if (!fails) return lease.acquire(...request);
      await new Promise<void>((resolve) => void clock.after(500, resolve));
      throw new Error("no answer");
    };
    const ownership = new LeasedOwnership({ lease: { ...lease, acquire }, owner: "a.1", clock });
    await clock.until(ownership.start());
    fails = isUnderWay;
    if (isUnderWay) await clock.advance(leaseRenewMs);
    const before = asked;
    await clock.until(ownership.stop());
    await clock.advance(10 * leaseMs);
    assert.equal(asked, before, isUnderWay ? "under way" : "due later");
  }
});
