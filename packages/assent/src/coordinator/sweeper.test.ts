// R7: one process sweeps for all, it reads only due records, and a dead or failing one is replaced.
import type { TransactionRecord } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginMany, bootInstance, type Instance } from "../../test-kit/instances.ts";
import { delivered, lost } from "../../test-kit/network.ts";
import { trip, World } from "../../test-kit/world.ts";
import { defineTransaction } from "./definition.ts";
import { leaderFailuresMax } from "./leadership.ts";
import type { LogSweep, TransactionLog } from "../ports/transaction-log.ts";
import { removalBatchMax } from "./removal.ts";
import { recoveryBatchMax } from "./sweeper.ts";

const many = 10_000;

/** How often each method of a log was called, and how many records it read out. */
function counted(): { readonly calls: Map<string, number>; records: number; around: (log: TransactionLog) => object } {
  const counts = { calls: new Map<string, number>(), records: 0, around };
  const count = (method: string): void => void counts.calls.set(method, (counts.calls.get(method) ?? 0) + 1);
  function around(log: TransactionLog): Partial<TransactionLog> {
    return {
      owners: (...args) => (count("owners"), log.owners(...args)),
      sweep: (...args) => (count("sweep"), log.sweep(...args)),
      read: (...args) => (count("read"), log.read(...args)),
      takeOver: (...args) => (count("takeOver"), log.takeOver(...args)),
      async unfinished(...args) {
        count("unfinished");
        const page = await log.unfinished(...args);
        counts.records += page.length;
        return page;
      },
    };
  }
  return counts;
}

const lotsOfRoom = { rooms: 20_000, seats: 20_000 };
const startAll = (world: World, ...instances: readonly Instance[]): Promise<unknown> =>
  world.clock.until(Promise.all(instances.map(({ orchestrator }) => orchestrator.start())));

test("R7 ten thousand unfinished records that are not due cost a sweep one read for each live owner", async () => {
  const world = await World.with(lotsOfRoom);
  const counts = counted();
  const leader = await bootInstance(world, "leader", { around: counts.around });
  for (const owner of ["b", "c", "d", "leader"]) {
    if (owner !== "leader") await bootInstance(world, owner);
    await beginMany(world, owner, { count: many / 4 });
  }
  await world.clock.until(leader.orchestrator.sweep());
  // One for its own, and one for each of the others.
  assert.deepEqual(Object.fromEntries(counts.calls), { owners: 1, unfinished: 4, sweep: 1 });
  assert.equal(counts.records, 0);
});

test("R7 of ten thousand records of a live owner a sweep reads the ones that are due", async () => {
  const world = await World.with(lotsOfRoom);
  const counts = counted();
  const leader = await bootInstance(world, "leader", { around: counts.around });
  await bootInstance(world, "b");
  await beginMany(world, "b", { count: many, inMs: 3_600_000 });
  const { phaseOneDeadlineMs, takeoverGraceMs } = world.limits;
  await world.clock.until(
    world.log.rebuild({ ...(await firstOf(world, "b")), txId: "k:life1:1", key: "k", deadlineAt: world.clock.now() }),
  );
  await world.clock.advance(phaseOneDeadlineMs + takeoverGraceMs);
  await world.clock.until(leader.orchestrator.sweep());
  assert.equal(counts.records, 1);
  assert.equal((await world.record("k:life1:1"))?.owner, "leader");
});

async function firstOf(world: World, owner: string): Promise<TransactionRecord> {
  const [first] = await world.clock.until(world.log.unfinished(owner, { limit: 1 }));
  assert.ok(first !== undefined);
  return first;
}

test("R7 only the leader looks after others, and removes; every process looks after its own", async () => {
  const world = await World.with(lotsOfRoom);
  const [of, by] = [counted(), counted()];
  const leader = await bootInstance(world, "leader", { around: of.around });
  const other = await bootInstance(world, "other", { around: by.around });
  await world.clock.until(leader.orchestrator.sweep());
  await beginMany(world, "dead", { count: 3 });
  // Its own, but changed hands since it began: the reply of a takeover or a rebuild was lost.
  const [own] = await beginMany(world, "other", { count: 1, inMs: 0 });
  assert.ok(own !== undefined);
  const taker = { owner: "other", epoch: own.epoch + 1 };
  await world.clock.until(world.log.takeOver({ txId: own.txId, seen: own, taker }));
  await world.clock.advance(world.limits.takeoverGraceMs + 1);
  assert.ok(await world.clock.until(leader.leadership.leads()));
  await world.clock.until(other.orchestrator.sweep());
  assert.deepEqual([by.calls.get("owners"), by.calls.get("sweep"), by.records], [undefined, undefined, 1]);
  assert.equal(other.orchestrator.load().live, 1);
  await world.clock.until(leader.orchestrator.sweep());
  assert.equal(leader.orchestrator.load().live, 3);
  assert.equal(of.calls.get("sweep"), 2);
});

test("R2, R7 what an instance leaves that dies is taken over as soon as its lease has lapsed", async () => {
  const world = await World.with(lotsOfRoom);
  const [leader, dying] = [await bootInstance(world, "leader"), await bootInstance(world, "dying")];
  await startAll(world, leader, dying);
  for (let time = 0; time < 10; time += 1) {
    const instance = time === 0 ? dying : await bootInstance(world, `dying-${time}`);
    await beginMany(world, instance.owner, { count: 1 });
    instance.die();
    await world.clock.advance(world.limits.leaseMs + world.limits.leaseRenewMs + 100);
    assert.equal(world.seen("TransactionTakenOver").length, time + 1);
  }
});

test("R7 when the leader dies, another sweeps within the time of a lease and a renewal", async () => {
  const world = await World.with(lotsOfRoom);
  const [first, second] = [await bootInstance(world, "first"), await bootInstance(world, "second")];
  await startAll(world, first);
  await startAll(world, second);
  await world.clock.advance(20_000);
  assert.deepEqual([await first.leadership.leads(), await world.clock.until(second.leadership.leads())], [true, false]);
  await beginMany(world, "first", { count: 2 });
  first.die();
  await world.clock.advance(world.limits.leaseMs + world.limits.leaseRenewMs + 100);
  assert.equal(world.seen("TransactionTakenOver").length, 2);
  await world.clock.advance(5_000);
  assert.deepEqual(await world.active(), []);
});

for (const [what, owners] of [
  ["whose log fails", () => Promise.reject(new Error("no answer"))],
  ["whose log never answers", () => new Promise<never>(() => undefined)],
] as const) {
  test(`R7 a leader ${what} is replaced, although it could renew its lease`, async () => {
    const world = await World.with(lotsOfRoom);
    let isBroken = false;
    const first = await bootInstance(world, "first", {
      around: (log) => ({ owners: (...args) => (isBroken ? owners() : log.owners(...args)) }),
    });
    await startAll(world, first);
    const second = await bootInstance(world, "second");
    await startAll(world, second);
    isBroken = true;
    await beginMany(world, "dead", { count: 2 });
    await world.clock.advance(15_000);
    assert.equal(world.seen("TransactionTakenOver").length, 2);
    assert.equal(second.orchestrator.load().live + (await world.active()).length, 0, "and ended");
    assert.ok(second.observed.some(({ type }) => type === "LeadershipChanged"));
  });
}

test("R7, C6 a leader that does not know a definition lets those lead who do; it reads it once a sweep", async () => {
  const world = await World.with(lotsOfRoom);
  const counts = counted();
  const newer = defineTransaction({ ...trip, version: 2 });
  const older = await bootInstance(world, "older", { around: counts.around });
  await startAll(world, older);
  await startAll(world, await bootInstance(world, "newer", { definitions: [trip, newer] }));
  const dying = await bootInstance(world, "dying", { definitions: [newer] });
  world.network.commandFate = () => lost;
  void dying.orchestrator.run(newer, { key: "k", input: { hotel: "h", rooms: 1, flight: "f", seats: 1 } });
  await world.clock.advance(100);
  dying.die();
  world.network.commandFate = () => delivered;
  await world.clock.advance(40_000);
  assert.deepEqual(await world.active(), []);
  assert.equal(older.observed.filter(({ type }) => type === "TransactionParked").length, leaderFailuresMax);
});

test("R7 a leader that cannot reach its leases is replaced", async () => {
  const world = await World.with(lotsOfRoom);
  let isCutOff = false;
  const first = await bootInstance(world, "first", { isCutOff: () => isCutOff });
  const second = await bootInstance(world, "second");
  await startAll(world, first);
  await startAll(world, second);
  isCutOff = true;
  await world.clock.advance(world.limits.leaseMs + world.limits.leaseRenewMs + 100);
  assert.deepEqual([await first.leadership.leads(), await second.leadership.leads()], [false, true]);
});

test("R7 a leader that stops lets go at once", async () => {
  const world = await World.with(lotsOfRoom);
  const [first, second] = [await bootInstance(world, "first"), await bootInstance(world, "second")];
  await startAll(world, first);
  await startAll(world, second);
  await world.clock.until(first.orchestrator.stop(0));
  await world.clock.advance(world.limits.leaseRenewMs + 100);
  assert.ok(await second.leadership.leads());
});

test("R7 a leader that was stalled in a page takes nothing from its successor, and reads no other page", async () => {
  const world = await World.with(lotsOfRoom);
  const count = recoveryBatchMax + 10;
  await beginMany(world, "dead", { count });
  const counts = counted();
  let wake: () => void = () => assert.fail("it was not stalled");
  const first = await bootInstance(world, "first", {
    around: (log) => {
      const inner = { ...log, ...counts.around(log) };
      return {
        ...inner,
        async unfinished(owner, range) {
          const page = await inner.unfinished(owner, range);
          if (owner === "dead") await new Promise<void>((resolve) => (wake = resolve));
          return page;
        },
      };
    },
  });
  void first.orchestrator.start();
  await world.clock.advance(1_000);
  const second = await bootInstance(world, "second");
  void second.orchestrator.start();
  await world.clock.advance(world.limits.leaseMs + world.limits.leaseRenewMs);
  assert.equal(second.observed.filter(({ type }) => type === "TransactionTakenOver").length, count);
  const read = counts.calls.get("unfinished");
  wake();
  await world.clock.advance(100);
  assert.equal(counts.calls.get("takeOver"), recoveryBatchMax, "it went on with the page that it had read");
  assert.equal(first.observed.filter(({ type }) => type === "TransactionTakenOver").length, 0);
  assert.equal(counts.calls.get("unfinished"), read, "and noticed before the next one");
  await world.clock.advance(10_000);
  assert.deepEqual(await world.active(), []);
  assert.deepEqual([(await world.totals("hotels")).spent, (await world.totals("hotels")).held], [0, 0]);
});

test("R7 two leaders at once take each record over once, and end it right", async () => {
  const world = await World.with(lotsOfRoom);
  await beginMany(world, "dead", { count: 600 });
  const isHeld = (): boolean => true;
  const ownership = { isHeld, isGone: (owner: string) => Promise.resolve(owner === "dead") };
  const leaders = [world.boot({ ownership }), world.boot({ ownership })];
  await world.clock.until(Promise.all(leaders.map(({ orchestrator }) => orchestrator.start())));
  assert.equal(world.seen("TransactionTakenOver").length, 600);
  await world.clock.advance(10_000);
  assert.deepEqual(await world.active(), []);
  assert.equal(world.seen("TransactionEnded").length, 600);
});

test("R7 removal keeps up with what ends, however much that is", async () => {
  const world = await World.with(lotsOfRoom);
  const { orchestrator } = world.boot();
  const records = await beginMany(world, "gone", { count: 2 * removalBatchMax + 1 });
  const ends = records.map(async (record) => {
    await world.log.decide({ ...record, decision: "abort" });
    await world.log.end(record);
  });
  await world.clock.until(Promise.all(ends));
  await world.clock.advance(4 * world.limits.maxAgeMs + 1);
  await world.clock.until(orchestrator.sweep());
  const left = await world.clock.until(Promise.all(records.map(({ txId }) => world.log.read(txId))));
  assert.equal(left.filter((record) => record !== undefined).length, 0);
});

test("R7 removal that has fallen far behind lets the leader look for dead owners in between", async () => {
  const world = await World.with(lotsOfRoom);
  let removals = 0;
  const sweep = async (): Promise<LogSweep> => {
    removals += 1;
    await new Promise<void>((resolve) => void world.clock.after(100, resolve));
    return { removable: [], more: true };
  };
  const leader = await bootInstance(world, "leader", { around: () => ({ sweep }) });
  await world.clock.until(leader.orchestrator.sweep());
  assert.equal(removals, world.limits.leaseRenewMs / 100);
});

test("R6 an owner whose records cannot be read delays nobody else's recovery", async () => {
  const world = await World.with(lotsOfRoom);
  const leader = await bootInstance(world, "leader", {
    around: (log) => ({
      unfinished: (owner, range) =>
        owner === "dead-1" ? Promise.reject(new Error("it is broken")) : log.unfinished(owner, range),
    }),
  });
  for (const owner of ["dead-0", "dead-1", "dead-2"]) await beginMany(world, owner, { count: 2 });
  await world.clock.until(leader.orchestrator.sweep());
  assert.deepEqual(new Set((await world.active()).map(({ owner }) => owner)), new Set(["dead-1", "leader"]));
});
