// What an operator does by hand is as safe as what happens by itself, at any moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { collected } from "../../test-kit/collected.ts";
import { delivered, lost } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import { whyLengthMax } from "./operator.ts";
import { eachUnfinished, unfinishedRecords } from "./unfinished.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const ann = { by: "ann", why: "booked by mistake" };
const request = (key: string) => ({ key, input: { ...one } });

async function only(world: World): Promise<string> {
  const [record] = await world.active();
  return record?.txId ?? "";
}

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: cancelled at any moment, a transaction ends one way, which is what was reported`, async () => {
    const outcomes = new Set<string>();
    for (let afterMs = 0; afterMs <= 12; afterMs += 1) {
      const world = await World.with({ rooms: 5, seats: 5 });
      const { orchestrator } = world.boot({ protocol });
      const running = orchestrator.run(trip, request("k"));
      await world.clock.advance(afterMs);
      const isCancelled = orchestrator.operator.cancel(await only(world), ann);
      const result = await world.clock.until(running);
      const outcome = "reason" in result ? result.reason : result.kind;
      assert.equal(outcome, isCancelled ? "cancelled" : "committed", `after ${afterMs} ms`);
      outcomes.add(outcome);
      await world.clock.advance(60_000);
      await checkMoney(world, new Map([["k", one]]));
    }
    assert.deepEqual([...outcomes].sort(), ["cancelled", "committed"]);
  });
}

test("who cancelled and why is in the history, and the next attempt at the key begins", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  const running = orchestrator.run(trip, request("k"));
  await world.clock.advance(100);
  const txId = await only(world);
  assert.equal(orchestrator.operator.cancel(txId, ann), true);
  assert.equal(orchestrator.operator.cancel(txId, ann), false, "it is decided");
  world.network.commandFate = () => delivered;
  const result = await world.clock.until(running);
  assert.ok(result.kind === "aborted" && result.reason === "cancelled" && result.step === undefined);
  const decided = (await world.clock.until(orchestrator.history(txId))).find(({ event }) => event === "decided");
  assert.deepEqual(decided?.event === "decided" && [decided.reason, decided.operator], ["cancelled", ann]);
  assert.equal((await world.clock.until(orchestrator.run(trip, request("k")))).kind, "committed");
});

test("nothing is cancelled that was not driven without a break, or on a log that may lose writes", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const isSilent = { now: true };
  world.network.commandFate = ({ service }) => (isSilent.now && service === "flights" ? lost : delivered);
  const first = world.boot({ protocol: "2pc" });
  void first.orchestrator.run(trip, request("k"));
  await world.clock.advance(100);
  const txId = await only(world);
  const second = world.boot();
  assert.equal(second.orchestrator.operator.cancel(txId, ann), false, "another process drives it");
  first.process.die();
  await world.clock.until(second.orchestrator.start());
  await world.clock.advance(100);
  assert.equal(second.orchestrator.operator.cancel(txId, ann), false, "it was taken over");
  const lossy = await World.with({ rooms: 5, seats: 5 });
  lossy.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  const third = lossy.boot({ protocol: "2pc", logMayLoseTail: true });
  void third.orchestrator.run(trip, request("k"));
  await lossy.clock.advance(100);
  assert.equal(third.orchestrator.operator.cancel(await only(lossy), ann), false, "a commit may have been lost");
});

test("a name or a reason that the history cannot keep is refused, and cancels nothing", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const running = orchestrator.run(trip, request("k"));
  await world.clock.advance(1);
  const txId = await only(world);
  for (const wrong of [{ by: "" }, { by: "x".repeat(257) }, { why: "" }, { why: "x".repeat(whyLengthMax + 1) }]) {
    assert.throws(() => orchestrator.operator.cancel(txId, { ...ann, ...wrong }), { code: "invalid_input" });
  }
  assert.equal((await world.clock.until(running)).kind, "committed");
});

for (const [protocol, verb] of [
  ["2pc", "commit"],
  ["saga", "compensate"],
] as const) {
  test(`${protocol}: what is parked is retried at once, and not before its service works again`, async () => {
    const world = await World.with({ rooms: 5, seats: verb === "commit" ? 5 : 0 });
    const { orchestrator } = world.boot({ protocol });
    let isBroken = true;
    world.handle = ({ service, operation, good }) =>
      isBroken && service === "hotels" && operation === verb ? assert.fail("a bug") : good();
    void orchestrator.run(trip, request("k"));
    await world.clock.advance(180_000);
    const txId = await only(world);
    assert.ok(world.seen("TransactionParked").length > 0);
    assert.equal(await world.clock.until(orchestrator.operator.retry(txId)), true);
    await world.clock.advance(100);
    assert.equal((await world.active()).length, 1, "it fails again");
    isBroken = false;
    await world.clock.until(orchestrator.operator.retry(txId));
    await world.clock.advance(100);
    assert.deepEqual(await world.active(), []);
    assert.equal(await world.clock.until(orchestrator.operator.retry(txId)), false, "it has ended");
    await checkMoney(world, new Map([["k", one]]));
  });
}

test("every unfinished record is listed, however small the pages are", async () => {
  const world = await World.with({ rooms: 99, seats: 99 });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  for (const owner of ["a", "b", "c"]) {
    const { orchestrator } = world.boot({ owner });
    for (let index = 0; index < 5; index += 1) void orchestrator.run(trip, request(`${owner}${index}`));
  }
  await world.clock.advance(100);
  const { log } = world.store;
  for (const page of [1, 2, 4, 5, 6, 256]) {
    const records = await world.clock.until(collected(eachUnfinished(log, page)));
    const keys = records.map(({ key }) => key);
    assert.equal(new Set(keys).size, 15, `pages of ${page}`);
    assert.equal(keys.length, 15);
  }
  for (const limit of [0, 1, 7, 15, 20]) {
    assert.equal((await world.clock.until(unfinishedRecords(log, limit))).length, Math.min(limit, 15));
  }
});
