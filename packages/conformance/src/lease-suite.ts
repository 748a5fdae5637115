// The suite of the port `Lease`: one holder at a time, and a counter that grows with every change of holder (R7).
import assert from "node:assert/strict";
import type { LeaseAdapter } from "./adapters.ts";
import { type Case, type Open, register, type Suite } from "./suite.ts";

const ttlMs = 5_000;
/** A store may have removed the grant by then. */
const longAgoMs = 3_600_000;
const name = "sweeper";

const cases: readonly Case<LeaseAdapter>[] = [
  {
    name: "R7 a free lease is granted until its time is over",
    async run({ lease }, clock) {
      assert.equal(await lease.current(name), undefined);
      const grant = await lease.acquire(name, "a", ttlMs);
      assert.equal(grant.holder, "a");
      assert.equal(grant.until, clock.now() + ttlMs);
      clock.advance(ttlMs - 1);
      assert.deepEqual(await lease.current(name), grant);
      clock.advance(1);
      assert.equal(await lease.current(name), undefined, "lapsed");
    },
  },
  {
    name: "R7 a held lease is not granted to another process, which learns its holder",
    async run({ lease }, clock) {
      const grant = await lease.acquire(name, "a", ttlMs);
      clock.advance(ttlMs - 1);
      assert.deepEqual(await lease.acquire(name, "b", ttlMs), grant);
      assert.deepEqual(await lease.current(name), grant);
    },
  },
  {
    name: "R7 renewing extends the lease and keeps its counter",
    async run({ lease }, clock) {
      const grant = await lease.acquire(name, "a", ttlMs);
      clock.advance(2_000);
      const renewed = await lease.acquire(name, "a", ttlMs);
      assert.deepEqual(renewed, { ...grant, until: clock.now() + ttlMs });
      clock.advance(ttlMs - 1);
      assert.equal((await lease.acquire(name, "b", ttlMs)).holder, "a");
    },
  },
  {
    name: "R7 the counter grows with every change of holder",
    async run({ lease }, clock) {
      let { counter } = await lease.acquire(name, "a", ttlMs);
      for (const holder of ["b", "a", "b"]) {
        clock.advance(ttlMs);
        const grant = await lease.acquire(name, holder, ttlMs);
        assert.equal(grant.holder, holder);
        assert.ok(grant.counter > counter, `${grant.counter} after ${counter}`);
        counter = grant.counter;
      }
    },
  },
  {
    name: "R7 a holder whose lease lapsed is a new holder",
    async run({ lease }, clock) {
      const first = await lease.acquire(name, "a", ttlMs);
      clock.advance(ttlMs);
      assert.ok((await lease.acquire(name, "a", ttlMs)).counter > first.counter);
    },
  },
  {
    name: "R7 a released lease is free at once, and its counter keeps growing",
    async run({ lease }, clock) {
      const first = await lease.acquire(name, "a", ttlMs);
      await lease.release(name, "a");
      assert.equal(await lease.current(name), undefined);
      const second = await lease.acquire(name, "b", ttlMs);
      assert.equal(second.holder, "b");
      assert.equal(second.until, clock.now() + ttlMs);
      assert.ok(second.counter > first.counter);
    },
  },
  {
    name: "R7 the counter keeps growing when the lease was free for long",
    async run({ lease }, clock) {
      let { counter } = await lease.acquire(name, "a", ttlMs);
      for (let term = 0; term < 3; term += 1) {
        clock.advance(longAgoMs);
        await lease.acquire(`other-${term}`, "b", ttlMs);
        const grant = await lease.acquire(name, "a", ttlMs);
        assert.ok(grant.counter > counter, `${grant.counter} after ${counter}`);
        ({ counter } = grant);
      }
    },
  },
  {
    name: "R7 only the holder releases a lease",
    async run({ lease }) {
      const grant = await lease.acquire(name, "a", ttlMs);
      await lease.release(name, "b");
      assert.deepEqual(await lease.current(name), grant);
      await lease.release("other", "a");
      assert.deepEqual(await lease.current(name), grant);
    },
  },
  {
    name: "R7 leases of different names are independent",
    async run({ lease }) {
      assert.equal((await lease.acquire(name, "a", ttlMs)).holder, "a");
      assert.equal((await lease.acquire("other", "b", ttlMs)).holder, "b");
      await lease.release(name, "a");
      assert.equal((await lease.current("other"))?.holder, "b");
    },
  },
  {
    name: "R7 of concurrent requests exactly one gets the lease, and all learn the holder",
    async run({ lease }) {
      const holders = Array.from({ length: 10 }, (_, index) => `instance-${index}`);
      const grants = await Promise.all(holders.map((holder) => lease.acquire(name, holder, ttlMs)));
      assert.equal(new Set(grants.map(({ holder, counter }) => `${holder} ${counter}`)).size, 1);
    },
  },
];

export const leaseCases: Suite<LeaseAdapter> = { name: "Lease", cases };

/** Registers the tests of leases for an adapter. */
export function leaseSuite(open: Open<LeaseAdapter>): void {
  register(leaseCases, open);
}
