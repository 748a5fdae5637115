// P7: an outcome is removed when its time is over and every branch has acknowledged `forget`. Virtual time, real
// participants, outages longer than every lifetime.
import type { TransactionRecord } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginMany } from "../../test-kit/instances.ts";
import { delivered, lost, type SentCommand } from "../../test-kit/network.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import { removalBatchMax } from "./removal.ts";

const two: Trip = { hotel: "h", rooms: 2, flight: "f", seats: 2 };
const limits = { maxAgeMs: 600_000 };
const lifetimeMs = 4 * limits.maxAgeMs + 1;
const toHotels = ({ service }: SentCommand): boolean => service === "hotels";
const isForget = ({ verb }: SentCommand): boolean => verb === "forget";

async function committed(world: World, orchestrator: Orchestrator): Promise<string> {
  const result = await world.clock.until(orchestrator.run(trip, { key: "k", input: { ...two } }));
  assert.ok(result.kind === "committed");
  await world.clock.advance(1_000);
  return result.txId;
}

/** A trip that has ended, and whose hotel has not received `forget`. */
async function unforgotten(
  options: { logMayLoseTail?: boolean } = {},
): Promise<{ world: World; orchestrator: Orchestrator; txId: string }> {
  const world = await World.with({ rooms: 5, seats: 5 }, { limits });
  const { orchestrator } = world.boot({ protocol: "2pc", ...options });
  world.network.commandFate = (command) => (isForget(command) && toHotels(command) ? lost : delivered);
  const txId = await committed(world, orchestrator);
  await world.clock.advance(lifetimeMs);
  return { world, orchestrator, txId };
}

test("P7 an outcome stays until every branch has acknowledged forget, visibly, and goes then", async () => {
  const { world, orchestrator, txId } = await unforgotten();
  await world.clock.until(orchestrator.sweep());
  assert.equal((await world.record(txId))?.state, "committed");
  assert.deepEqual(world.seen("RemovalPostponed"), [
    { type: "RemovalPostponed", reason: "no_answer_from_hotels", transactions: 1 },
  ]);
  world.network.commandFate = () => delivered;
  await world.clock.advance(world.limits.parkedRetryMs + 1);
  await world.clock.until(orchestrator.sweep());
  assert.equal(await world.record(txId), undefined);
  assert.equal((await world.branch("hotels", txId))?.forgotten, true);
});

test("P7 the longer an outcome stays, the more rarely it is looked at", async () => {
  const { world, orchestrator } = await unforgotten();
  const sweepFor = async (ms: number): Promise<number> => {
    const before = world.seen("RemovalPostponed").length;
    for (let at = 0; at < ms; at += world.limits.parkedRetryMs) {
      await world.clock.until(orchestrator.sweep());
      await world.clock.advance(world.limits.parkedRetryMs + 1);
    }
    return world.seen("RemovalPostponed").length - before;
  };
  const first = await sweepFor(10 * world.limits.parkedRetryMs);
  await world.clock.advance(limits.maxAgeMs);
  const later = await sweepFor(10 * world.limits.parkedRetryMs);
  assert.ok(first <= 5 && later <= 2, `${first}, and then ${later}`);
});

test("P7 a silent service delays nobody else's outcomes: it is asked once, and not for each of them", async () => {
  const world = await World.with({ rooms: 5, seats: 5 }, { limits });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const records = await endMany(world, 3 * removalBatchMax);
  await world.clock.advance(lifetimeMs);
  world.network.commandFate = (command) => (toHotels(command) ? lost : delivered);
  await world.clock.until(orchestrator.sweep());
  await world.clock.until(orchestrator.sweep());
  assert.equal(world.network.sent.filter(toHotels).length, removalBatchMax, "those of the first page");
  assert.equal(world.network.sent.filter((command) => !toHotels(command)).length, records.length);
});

test("P7 where the log may lose its tail, branches forget at the latest when the outcome goes", async () => {
  const { world, orchestrator, txId } = await unforgotten({ logMayLoseTail: true });
  assert.deepEqual(world.network.verbs("forget"), []);
  world.network.commandFate = () => delivered;
  await world.clock.until(orchestrator.sweep());
  assert.equal(await world.record(txId), undefined);
  assert.equal((await world.branch("hotels", txId))?.forgotten, true);
});

test("P7 an outcome whose definition is not known here stays", async () => {
  const { world, txId } = await unforgotten();
  world.network.commandFate = () => delivered;
  const { orchestrator } = world.boot({ definitions: [] });
  await world.clock.until(orchestrator.sweep());
  assert.equal((await world.record(txId))?.state, "committed");
  assert.deepEqual(world.seen("RemovalPostponed"), [
    { type: "RemovalPostponed", reason: "unknown_definition", transactions: 1 },
  ]);
});

test("P2 a branch that was never carried out keeps its outcome, with an alarm", async () => {
  const world = await World.with({ rooms: 5, seats: 5 }, { limits });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb, service }) => (verb === "commit" && service === "hotels" ? lost : delivered);
  const result = await world.clock.until(orchestrator.run(trip, { key: "k", input: { ...two } }));
  assert.ok(result.kind === "committed");
  const record = await world.record(result.txId);
  assert.ok(record !== undefined);
  await world.clock.until(world.log.end(record));
  await world.clock.advance(lifetimeMs);
  await world.clock.until(orchestrator.sweep());
  assert.equal((await world.record(result.txId))?.state, "committed");
  const alarms = world.seen("AlarmRaised").map((alarm) => alarm.type === "AlarmRaised" && alarm.code);
  assert.ok(alarms.includes("conflict"), JSON.stringify(alarms));
});

/** Transactions that have committed and ended; their branches have gone. */
async function endMany(world: World, count: number): Promise<readonly TransactionRecord[]> {
  const records = await beginMany(world, "gone", { count });
  const ends = records.map(async (record) => {
    await world.log.decide({ ...record, decision: "commit" });
    await world.log.end(record);
  });
  await world.clock.until(Promise.all(ends));
  return records;
}

test("R7 removal of what has committed keeps up with what ends, however much that is", async () => {
  const world = await World.with({ rooms: 5, seats: 5 }, { limits });
  const { orchestrator } = world.boot();
  const records = await endMany(world, 4 * removalBatchMax + 1);
  await world.clock.advance(lifetimeMs);
  await world.clock.until(orchestrator.sweep());
  const left = await world.clock.until(Promise.all(records.map(({ txId }) => world.log.read(txId))));
  assert.equal(left.filter((record) => record !== undefined).length, 0);
});
