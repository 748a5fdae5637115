// R7: leases of owners that are gone do not pile up, and a removed one never gives its holder back what it has lost.
import { bindOperations } from "./bound-operations.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { lapsedKeptMs, leaseOperations, leaseTable } from "./lease-operations.ts";

const leases = bindOperations(leaseOperations, {});
const ttlMs = 5_000;
const begunAt = 1_000_000_000;

class Leases {
  readonly tables = new BatchTables(new MemoryEngine());
  now = begunAt;

  acquire(owner: string): number {
    const request = { name: `owner:${owner}`, holder: owner, ttlMs };
    return leases.acquireLease(this.tables, request, { now: this.now }).counter;
  }

  release(owner: string): void {
    leases.releaseLease(this.tables, { name: `owner:${owner}`, holder: owner }, { now: this.now });
  }

  get names(): readonly string[] {
    return this.tables.scan(leaseTable, { limit: 10_000 }).map(([name]) => name);
  }
}

for (const [how, isReleased] of [
  ["stopped", true],
  ["died", false],
] as const) {
  test(`R7 of a thousand processes that ${how}, those of the last minute are remembered, and the live ones`, () => {
    const leases = new Leases();
    for (let process = 0; process < 1_000; process += 1) {
      leases.acquire("live");
      leases.acquire(`process-${process}`);
      if (isReleased) leases.release(`process-${process}`);
      leases.now += ttlMs - 1;
    }
    assert.ok(leases.names.includes("owner:live"));
    const most = Math.ceil((lapsedKeptMs + ttlMs) / (ttlMs - 1)) + 2;
    assert.ok(leases.names.length <= most, `${leases.names.length} leases, ${most} at most`);
  });
}

test("R7 a lapsed lease is kept until no clock can be behind it", () => {
  const leases = new Leases();
  leases.acquire("dead");
  leases.now += ttlMs + lapsedKeptMs - 1;
  leases.acquire("second");
  assert.deepEqual(leases.names, ["owner:dead", "owner:second"]);
  leases.now += 1;
  leases.acquire("second");
  assert.deepEqual(leases.names, ["owner:dead", "owner:second"], "a renewal looks at nothing else");
  leases.acquire("third");
  assert.deepEqual(leases.names, ["owner:second", "owner:third"]);
});

test("C6 an owner that comes back after its lease has been removed sees that it had lost it", () => {
  const leases = new Leases();
  const counters = [leases.acquire("suspended")];
  for (const offMs of [-500, 0, 500]) {
    leases.now += ttlMs + lapsedKeptMs;
    leases.acquire(`other-${offMs}`);
    assert.ok(!leases.names.includes("owner:suspended"));
    leases.now += offMs;
    counters.push(leases.acquire("suspended"));
  }
  assert.deepEqual(
    counters,
    [...new Set(counters)].sort((a, b) => a - b),
  );
});
