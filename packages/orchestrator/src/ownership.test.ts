// R1, R2: a lease is a hint that only ever takes rights away.
import { defaultLimits } from "@assent/protocol";
import { memoryLog } from "@assent/store-memory";
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../test-kit/virtual-clock.ts";
import { exclusiveOwnership, LeasedOwnership } from "./ownership.ts";
import type { Observation } from "./ports/observer.ts";

const { leaseMs, leaseRenewMs } = defaultLimits;

interface Owned {
  readonly clock: VirtualClock;
  readonly ownership: LeasedOwnership;
  readonly observed: Observation[];
  /** While true, the lease's store does not answer. */
  readonly store: { silent: boolean };
  readonly start: (owner: string) => LeasedOwnership;
}

async function owned(): Promise<Owned> {
  const clock = new VirtualClock();
  const { lease } = memoryLog({ clock, schedule: (callback) => void clock.after(0, callback) });
  const store = { silent: false };
  const observed: Observation[] = [];
  const start = (owner: string): LeasedOwnership =>
    new LeasedOwnership({
      lease: {
        ...lease,
        acquire: (...request) => (store.silent ? Promise.reject(new Error("no answer")) : lease.acquire(...request)),
      },
      owner,
      clock,
      observer: { observe: (observation) => observed.push(observation) },
    });
  const ownership = start("a.1");
  await clock.until(ownership.start());
  return { clock, ownership, observed, store, start };
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

test("D47 a renewal that fails keeps the lease for as long as it lasts, is told, and is tried again", async () => {
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

test("R1, R2 another owner is gone when its lease has lapsed; a restarted process is a stranger", async () => {
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
  assert.equal(await exclusiveOwnership.isGone("somebody"), true);
});
