// R7: a lease elects who sweeps; a leader that cannot work lets it go.
import { defaultLimits } from "../protocol/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { memoryLog } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { leaderFailuresMax, LeasedLeadership, soleLeadership, sweeperLease } from "./leadership.ts";
import type { Lease } from "../ports/lease.ts";
import type { Observation } from "../ports/observer.ts";

const { leaseMs, leaseRenewMs } = defaultLimits;

interface Candidates {
  readonly clock: VirtualClock;
  readonly lease: Lease;
  readonly observed: Observation[];
  /** Calls of `acquire` so far. */
  readonly asked: () => number;
  readonly store: { silent: boolean };
  readonly make: (owner: string) => LeasedLeadership;
  readonly leads: (one: LeasedLeadership) => Promise<boolean>;
}

function candidates(): Candidates {
  const clock = new VirtualClock();
  const { lease } = memoryLog({ clock, schedule: (callback) => void clock.after(0, callback) });
  const observed: Observation[] = [];
  const store = { silent: false };
  let asked = 0;
  const acquire: Lease["acquire"] = (...request) => {
    asked += 1;
    return store.silent ? Promise.reject(new Error("no answer")) : lease.acquire(...request);
  };
  const observer = { observe: (observation: Observation) => void observed.push(observation) };
  const make = (owner: string): LeasedLeadership =>
    new LeasedLeadership({ lease: { ...lease, acquire }, service: "order", owner, clock, observer });
  return { clock, lease, observed, store, make, asked: () => asked, leads: (one) => clock.until(one.leads()) };
}

test("R7 one of several leads, and asks the store again when its lease is due to be renewed", async () => {
  const { clock, make, leads, asked } = candidates();
  const [a, b] = [make("a"), make("b")];
  assert.deepEqual([await leads(a), await leads(b)], [true, false]);
  const before = asked();
  for (let page = 0; page < 5; page += 1) assert.ok(await leads(a));
  assert.equal(asked(), before, "a page costs no question");
  for (let passed = 0; passed < 4 * leaseMs; passed += leaseRenewMs) {
    await clock.advance(leaseRenewMs);
    assert.deepEqual([await leads(a), await leads(b)], [true, false]);
  }
  await clock.advance(leaseRenewMs);
  assert.ok(await leads(a));
  await clock.advance(leaseMs - 1);
  assert.ok(!(await leads(b)), "it was renewed before it lapsed");
});

test("R7 a leader whose lease has lapsed knows it by itself, and another leads with a higher counter", async () => {
  const { clock, lease, make, leads, store, observed } = candidates();
  const [a, b] = [make("a"), make("b")];
  assert.ok(await leads(a));
  const first = await clock.until(lease.current(sweeperLease("order")));
  store.silent = true;
  await clock.advance(leaseMs - 1);
  assert.ok(await leads(a), "for as long as the lease lasts");
  await clock.advance(1);
  assert.ok(!(await leads(a)));
  store.silent = false;
  assert.deepEqual([await leads(b), await leads(a)], [true, false]);
  const second = await clock.until(lease.current(sweeperLease("order")));
  assert.ok((second?.counter ?? 0) > (first?.counter ?? 0));
  const changes = observed.filter((observation) => observation.type === "LeadershipChanged");
  assert.deepEqual(
    changes.map(({ leads: isLeader, counter }) => [isLeader, counter]),
    [
      [true, first?.counter],
      [true, second?.counter],
      [false, undefined],
    ],
  );
});

test("R7 a leader that fails several times in a row lets go, and stands back for others", async () => {
  const { clock, make, leads } = candidates();
  const [a, b] = [make("a"), make("b")];
  assert.ok(await leads(a));
  for (let turn = 1; turn < leaderFailuresMax; turn += 1) await a.failed();
  a.worked();
  for (let turn = 1; turn < leaderFailuresMax; turn += 1) await a.failed();
  assert.deepEqual([await leads(a), await leads(b)], [true, false], "not in a row");
  await clock.until(a.failed());
  assert.ok(!(await leads(a)));
  await clock.advance(leaseMs - 1);
  assert.ok(!(await leads(a)), "it stands back");
  assert.ok(await leads(b));
  await clock.until(b.release());
  await clock.advance(1);
  assert.deepEqual([await leads(b), await leads(a)], [false, true], "and comes back, unless it has stopped");
});

test("R7 a failed release is reported, and still ends the leadership", async () => {
  const { clock, lease, observed } = candidates();
  const release = (): Promise<void> => Promise.reject(new Error("no answer"));
  const observer = { observe: (observation: Observation) => void observed.push(observation) };
  const one = new LeasedLeadership({ lease: { ...lease, release }, service: "order", owner: "a", clock, observer });
  assert.ok(await clock.until(one.leads()));
  await one.release();
  assert.ok(!(await one.leads()));
  assert.equal(observed.filter(({ type }) => type === "BackgroundWorkFailed").length, 1);
});

test("R7 a lease that is granted when the leadership has been given up goes back at once", async () => {
  const { clock, lease, observed } = candidates();
  const acquire: Lease["acquire"] = async (...request) => {
    await new Promise<void>((resolve) => void clock.after(500, resolve));
    return lease.acquire(...request);
  };
  const observer = { observe: (observation: Observation) => void observed.push(observation) };
  const one = new LeasedLeadership({ lease: { ...lease, acquire }, service: "order", owner: "a", clock, observer });
  const asked = one.leads();
  await clock.until(one.release());
  assert.ok(!(await clock.until(asked)));
  await clock.advance(1);
  assert.equal(await clock.until(lease.current(sweeperLease("order"))), undefined);
  assert.deepEqual(observed, [], "it never led");
});

test("R7 a leader whose lease the store has given to another stops with its next renewal", async () => {
  const { clock, lease, make, leads } = candidates();
  const [a, b] = [make("a"), make("b")];
  assert.ok(await leads(a));
  await clock.until(lease.release(sweeperLease("order"), "a"));
  assert.ok(await leads(b));
  await clock.advance(leaseRenewMs);
  assert.deepEqual([await leads(b), await leads(a)], [true, false], "although its own clock saw no lapse");
});

test("R7 a lease is counted from when it was asked for: a grant that comes too late makes no leader", async () => {
  const { clock, lease, observed } = candidates();
  const acquire: Lease["acquire"] = async (...request) => {
    const grant = await lease.acquire(...request);
    await new Promise<void>((resolve) => void clock.after(leaseMs, resolve));
    return grant;
  };
  const observer = { observe: (observation: Observation) => void observed.push(observation) };
  const one = new LeasedLeadership({ lease: { ...lease, acquire }, service: "order", owner: "a", clock, observer });
  assert.ok(!(await clock.until(one.leads())));
});

test("R7 only failures of a leader count against it", async () => {
  const { clock, make, leads } = candidates();
  const [a, b] = [make("a"), make("b")];
  const fail = async (one: LeasedLeadership, turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await clock.until(one.failed());
  };
  assert.ok(await leads(b));
  await fail(a, 2 * leaderFailuresMax);
  await clock.until(b.release());
  assert.ok(await leads(a), "it did not lead when it failed");
  await fail(a, leaderFailuresMax);
  await clock.advance(leaseMs / 2);
  await fail(a, leaderFailuresMax);
  await clock.advance(leaseMs / 2);
  assert.ok(await leads(a), "what fails while it stands back does not keep it from leading any longer");
  await fail(a, leaderFailuresMax - 1);
  assert.ok(await leads(a), "its failures are counted anew");
});

test("R7 a process alone leads by construction", async () => {
  for (let turn = 0; turn < 2 * leaderFailuresMax; turn += 1) await soleLeadership.failed();
  soleLeadership.worked();
  assert.ok(await soleLeadership.leads());
  await soleLeadership.release();
  assert.equal(soleLeadership.isShared, false);
});
