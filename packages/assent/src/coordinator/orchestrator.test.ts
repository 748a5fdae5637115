// The results of `run`, and the state behind them. Virtual time, real participants, a bus that a test disturbs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost, unanswered } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { Clock } from "../ports/clock.ts";
import type { RunResult } from "./run-result.ts";

const protocols = ["2pc", "saga"] as const;
const two: Trip = { hotel: "h", rooms: 2, flight: "f", seats: 2 };
const keyOfTwo = new Map([["k", two]]);

const start = (orchestrator: Orchestrator, key = "k", input: Trip = two): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...input } });

for (const protocol of protocols) {
  test(`${protocol}: success is returned at the decision; every branch and the row end committed`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot({ protocol });
    const result = await world.clock.until(start(orchestrator));
    assert.equal(result.kind, "committed");
    assert.equal(result.kind === "committed" && result.repeated, false);
    const row = await world.row("k");
    assert.deepEqual([row?.outcome, row?.fields["booked"], row?.attempt], ["committed", true, 1], "C4");
    await world.clock.advance(1_000);
    await checkMoney(world, keyOfTwo);
    assert.deepEqual(world.network.verbs("forget").length, 2, "P7 branches get `forget`");
    assert.deepEqual(orchestrator.load(), { inFlight: 0, queued: 0, live: 0, abortRate: 0 });
  });

  test(`${protocol}: a refusal is returned with its reason once everything is released`, async () => {
    const world = await World.with({ rooms: 5, seats: 1 });
    const { orchestrator } = world.boot({ protocol });
    const result = await world.clock.until(start(orchestrator));
    assert.deepEqual([result.kind, result.kind === "aborted" && result.reason], ["aborted", "sold_out"]);
    const { available, held, spent } = await world.account("hotels", "h");
    assert.deepEqual([available, held, spent], [5, 0, 0], "C5 released before it is returned");
    await world.clock.advance(1_000);
    await checkMoney(world, keyOfTwo);
  });

  test(`${protocol}: a failed key runs a fresh attempt; a committed one answers without charging`, async () => {
    const world = await World.with({ rooms: 5, seats: 1 });
    const { orchestrator } = world.boot({ protocol });
    const first = await world.clock.until(start(orchestrator));
    await world.deposit("flights", "f", 1);
    const second = await world.clock.until(start(orchestrator));
    assert.deepEqual([first.kind, second.kind], ["aborted", "committed"]);
    const sent = world.network.sent.length;
    const third = await world.clock.until(start(orchestrator));
    assert.deepEqual([third.kind, third.kind === "committed" && third.repeated], ["committed", true]);
    await world.clock.advance(1_000);
    assert.equal(
      world.network.sent.slice(sent).filter(({ verb }) => verb === "prepare" || verb === "execute").length,
      0,
    );
    assert.equal((await world.row("k"))?.attempt, 2);
    await checkMoney(world, keyOfTwo);
  });
}

test("duplicates that run at once all hear the one outcome, and one charge is made", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot();
  const results = await world.clock.until(Promise.all(Array.from({ length: 5 }, () => start(orchestrator))));
  assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(["committed"]));
  assert.equal(results.filter((result) => result.kind === "committed" && !result.repeated).length, 1);
  await world.clock.advance(1_000);
  await checkMoney(world, keyOfTwo);
});

test("duplicates of a failing run all hear its failure", async () => {
  const world = await World.with({ rooms: 1, seats: 5 });
  const { orchestrator } = world.boot();
  const results = await world.clock.until(Promise.all([start(orchestrator), start(orchestrator)]));
  assert.deepEqual(
    results.map((result) => result.kind === "aborted" && result.reason),
    ["sold_out", "sold_out"],
  );
  assert.equal(new Set(results.map((result) => "txId" in result && result.txId)).size, 1, "one attempt");
});

test("another request under a key is never answered with the outcome of the first, running or done", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot();
  const first = start(orchestrator);
  await world.clock.advance(0);
  const other = await world.clock.until(start(orchestrator, "k", { ...two, rooms: 1 }));
  assert.equal(other.kind, "unmet");
  assert.equal((await world.clock.until(first)).kind, "committed");
  assert.equal((await world.clock.until(start(orchestrator, "k", { ...two, rooms: 1 }))).kind, "unmet");
});

test("a retry waits until the failed attempt has released what it held", async () => {
  const world = await World.with({ rooms: 2, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  let flightsAreSilent = true;
  world.network.commandFate = ({ service, verb }) => {
    if (service === "flights" && verb === "prepare" && flightsAreSilent) return lost;
    return { deliverAfterMs: [verb === "abort" ? 700 : 1], replyAfterMs: 1 };
  };
  const first = start(orchestrator);
  await world.clock.advance(world.limits.phaseOneDeadlineMs + 100);
  flightsAreSilent = false;
  const second = await world.clock.until(start(orchestrator));
  assert.equal((await world.clock.until(first)).kind, "aborted");
  assert.equal(second.kind, "committed", "all the rooms there are were held by the first attempt");
  const aborted = world.network.sent.findIndex(({ verb }) => verb === "abort");
  const again = world.network.sent.findLastIndex(({ verb, service }) => verb === "prepare" && service === "hotels");
  assert.ok(aborted !== -1 && again > aborted);
});

test("a retry does not wait for ever: after the bound it starts although a branch is silent", async () => {
  const world = await World.with({ rooms: 5, seats: 1 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb }) => (verb === "abort" ? lost : { deliverAfterMs: [1], replyAfterMs: 1 });
  const first = await world.clock.until(start(orchestrator));
  assert.equal(first.kind, "aborted", "C5 the refusal is a tombstone, returned after the bound");
  assert.equal(world.clock.monotonic() >= world.limits.releaseWaitMs, true);
  assert.equal((await world.account("hotels", "h")).held, 2);
  await world.deposit("flights", "f", 1);
  const second = await world.clock.until(start(orchestrator));
  assert.equal(second.kind, "committed");
});

test("absent without a row, unmet where the row does not meet the conditions: nothing is begun or sent", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot();
  const open = { ...trip, onBegin: { expect: [{ field: "state", is: "open" }] } };
  assert.deepEqual(await world.clock.until(orchestrator.run(open, { key: "k", fromRow: true })), { kind: "absent" });
  await world.clock.until(world.store.rows.putRow("k", "i1", { ...two, state: "shut" }));
  const unmet = await world.clock.until(orchestrator.run(open, { key: "k", fromRow: true }));
  assert.equal(unmet.kind === "unmet" && unmet.row.fields["state"], "shut");
  await world.clock.until(world.store.rows.putRow("k", "i2", { ...two, state: "open" }));
  assert.equal(world.network.sent.length, 0);
  const result = await world.clock.until(orchestrator.run(open, { key: "k", fromRow: true }));
  assert.deepEqual([result.kind, "txId" in result && result.txId], ["committed", "k:i2:1"]);
});

for (const protocol of protocols) {
  test(`${protocol}: a branch that is slower each time than a message is waited for commits all the same`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot({ protocol });
    const replyAfterMs = world.limits.replyWaitMs + 1_000;
    world.network.commandFate = ({ service }) =>
      service === "flights" ? { deliverAfterMs: [1], replyAfterMs } : delivered;
    const result = await world.clock.until(start(orchestrator));
    assert.equal(result.kind, "committed");
    await world.clock.advance(replyAfterMs * 3);
    assert.equal((await world.row("k"))?.outcome, "committed");
    assert.deepEqual([orchestrator.load().live, world.seen("BreakerChanged").length], [0, 0]);
    await checkMoney(world, keyOfTwo);
  });
}

test("C5, T2 silence: abort at the deadline is returned only with a tombstone; without one it is pending", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = () => lost;
  const result = await world.clock.until(start(orchestrator));
  assert.deepEqual([result.kind, world.clock.monotonic()], ["pending", world.limits.requestWaitMs]);
  assert.equal((await world.row("k"))?.outcome, "aborted");
  world.network.commandFate = () => ({ deliverAfterMs: [1], replyAfterMs: 1 });
  await world.clock.advance(60_000);
  await checkMoney(world, keyOfTwo);
});

test("C6 a clock that is set back while a transaction begins does not put its deadline off", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  let setBackMs = 0;
  const { clock: real } = world;
  const clock: Clock = {
    now: () => real.now() - setBackMs,
    monotonic: () => real.monotonic(),
    after: (delayMs, callback) => real.after(delayMs, callback),
  };
  const { orchestrator } = world.boot({ protocol: "2pc", clock });
  world.scriptedLog.answered = (method) => {
    if (method === "begin") setBackMs = 3_600_000;
    return Promise.resolve();
  };
  world.network.commandFate = ({ service, verb }) =>
    service === "flights" && verb === "prepare" ? lost : { deliverAfterMs: [1], replyAfterMs: 1 };
  const result = await world.clock.until(start(orchestrator));
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "timeout"]);
  assert.ok(world.clock.monotonic() < world.limits.phaseOneDeadlineMs + world.limits.releaseWaitMs);
});

test("a caller gets pending after its wait, and the transaction commits later", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot();
  world.scriptedLog.failNext("decide", ...Array.from({ length: 12 }, () => "not_written" as const));
  const result = await world.clock.until(start(orchestrator));
  assert.deepEqual(result, { kind: "pending", retryAfterMs: 1_000 });
  await world.clock.advance(200_000);
  const again = await world.clock.until(start(orchestrator));
  assert.deepEqual([again.kind, again.kind === "committed" && again.repeated], ["committed", true]);
  await checkMoney(world, keyOfTwo);
});

for (const fault of ["reply_lost", "not_written"] as const) {
  test(`C2, T9 a decision that is ${fault} is written again, never replaced by its opposite`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot({ protocol: "2pc" });
    world.scriptedLog.failNext("decide", fault, fault, fault);
    assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
    await world.clock.advance(10_000);
    assert.deepEqual(world.network.verbs("abort"), []);
    assert.equal(world.seen("BackgroundWorkFailed").length, 3, "what failed is to be seen");
    await checkMoney(world, keyOfTwo);
  });

  test(`C2 a begin that is ${fault} is pending, and the key is free again in the end`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot();
    await world.clock.until(orchestrator.start());
    world.scriptedLog.failNext("begin", fault);
    assert.equal((await world.clock.until(start(orchestrator))).kind, "pending");
    await world.clock.advance(60_000);
    assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
    await world.clock.advance(1_000);
    await checkMoney(world, keyOfTwo);
  });

  test(`an end that is ${fault} is written again`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot();
    world.scriptedLog.failNext("end", fault);
    await world.clock.until(start(orchestrator));
    await world.clock.advance(5_000);
    await checkMoney(world, keyOfTwo);
  });
}

for (const protocol of protocols) {
  test(`${protocol}: a vote whose reply is lost is requested again and counts once`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot({ protocol });
    let first = true;
    world.network.commandFate = ({ service }) => {
      const isLost = service === "flights" && first;
      if (isLost) first = false;
      return isLost ? unanswered : { deliverAfterMs: [1, 5], replyAfterMs: 1 };
    };
    assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
    await world.clock.advance(5_000);
    await checkMoney(world, keyOfTwo);
  });
}
