// The history of a transaction for a user: the entries in the log, by any owner, and only durable ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { type Started, trip, World } from "../../test-kit/world.ts";

const input = { hotel: "h", rooms: 2, flight: "f", seats: 2 };

async function historyOf({ orchestrator }: Started, world: World, txId: string): Promise<readonly string[]> {
  const entries = await world.clock.until(orchestrator.history(txId));
  return entries.map(({ event, owner }) => `${event} ${owner}`);
}

test("the history of a transaction that was taken over names the owner of each write", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const first = world.boot();
  // No vote arrives before the process dies.
  world.network.commandFate = () => lost;
  void first.orchestrator.run(trip, { key: "k", input });
  await world.clock.advance(500);
  const [left] = await world.active();
  assert.ok(left !== undefined);
  const { txId } = left;
  assert.deepEqual(await historyOf(first, world, txId), ["begun trips-1"]);
  first.process.die();
  world.network.commandFate = () => delivered;
  const second = world.boot();
  await world.clock.until(second.orchestrator.start());
  await world.clock.advance(5_000);
  assert.deepEqual(await historyOf(second, world, txId), [
    "begun trips-1",
    "taken_over trips-2",
    "decided trips-2",
    "ended trips-2",
  ]);
  assert.deepEqual(await historyOf(second, world, "k:never:1"), []);
});

test("an unwritten decision is not in the history, and a log that does not answer gives none", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const started = world.boot();
  world.scriptedLog.failNext("decide", "not_written");
  void started.orchestrator.run(trip, { key: "k", input });
  await world.clock.advance(20);
  const [undecided] = await world.active();
  assert.ok(undecided !== undefined);
  assert.ok(world.scriptedLog.calls.includes("decide"), "the decision was asked for");
  assert.deepEqual(await historyOf(started, world, undecided.txId), ["begun trips-1"]);
  world.scriptedLog.failNext("history", "reply_lost");
  await assert.rejects(
    world.clock.until(started.orchestrator.history(undecided.txId)),
    /the reply to history was lost/,
  );
  await world.clock.advance(5_000);
  assert.deepEqual(await historyOf(started, world, undecided.txId), [
    "begun trips-1",
    "decided trips-1",
    "ended trips-1",
  ]);
});
