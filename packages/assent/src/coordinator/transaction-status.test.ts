// Looking is not starting.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { trip, tripSchema, World } from "../../test-kit/world.ts";
import { defineTransaction } from "./definition.ts";

const one = { hotel: "h", rooms: 1, flight: "f", seats: 1 };

async function booted(seats = 9) {
  const world = await World.with({ rooms: 9, seats });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const status = (key = "k") => world.clock.until(orchestrator.status(trip, key));
  const run = () => world.clock.until(orchestrator.run(trip, { key: "k", input: { ...one } }));
  return { world, orchestrator, status, run };
}

test("status of what nobody has begun is none, with a row and without", async () => {
  const { world, status } = await booted();
  assert.deepEqual(await status(), { kind: "none" });
  await world.clock.until(world.store.rows.putRow("row", "life1", { ...one }));
  assert.deepEqual(await status("row"), { kind: "none" });
  assert.deepEqual(world.network.sent, []);
});

test("status shows an attempt that is under way, aborted and committed, by number, and starts none", async () => {
  const { world, status, run } = await booted(0);
  const aborted = await run();
  assert.ok(aborted.kind === "aborted");
  const expected = { kind: "aborted", txId: aborted.txId, attempt: 1, reason: "sold_out" };
  await world.deposit("flights", "f", 5);
  const sent = world.network.sent.length;
  for (let look = 0; look < 3; look += 1) assert.deepEqual(await status(), expected);
  await world.clock.advance(60_000);
  assert.deepEqual(await status(), expected, "a minute later");
  assert.equal((await world.row("k"))?.attempt, 1, "no second attempt has begun");
  assert.equal(world.network.sent.slice(sent).filter(({ verb }) => verb === "prepare").length, 0);

  world.network.commandFate = () => lost;
  void world.clock.until(run()).catch(() => undefined);
  await world.clock.advance(100);
  const { txId } = (await world.active())[0] ?? { txId: "" };
  assert.deepEqual(await status(), { kind: "pending", txId, attempt: 2 });
  world.network.commandFate = () => delivered;
  await world.clock.advance(5_000);
  assert.deepEqual(await status(), { kind: "committed", txId, attempt: 2 });
});

test("C5 an abort that no branch has proved yet is pending, here and for another process", async () => {
  const { world, orchestrator, status } = await booted();
  const other = world.boot({ owner: "other" }).orchestrator;
  world.network.commandFate = () => lost;
  void orchestrator.run(trip, { key: "k", input: { ...one } });
  await world.clock.advance(world.limits.phaseOneDeadlineMs + 100);
  assert.equal((await world.row("k"))?.outcome, "aborted");
  assert.equal((await status()).kind, "pending");
  assert.equal((await world.clock.until(other.status(trip, "k"))).kind, "pending");
  world.network.commandFate = ({ service }) => (service === "hotels" ? delivered : lost);
  await world.clock.advance(60_000);
  assert.equal((await status()).kind, "aborted", "its driver has the proof of one branch");
  assert.equal((await world.clock.until(other.status(trip, "k"))).kind, "pending", "another process has none");
  world.network.commandFate = () => delivered;
  await world.clock.advance(60_000);
  assert.equal((await world.clock.until(other.status(trip, "k"))).kind, "aborted");
});

test("status of a key of another definition says whose it is, and no more", async () => {
  const { world, orchestrator, run } = await booted();
  await run();
  const steps = { rooms: { service: "hotels", payload: () => ({ entries: [] }) } };
  const refund = defineTransaction({ name: "refund", input: tripSchema, steps });
  const status = await world.clock.until(orchestrator.status(refund, "k"));
  assert.deepEqual(status, { kind: "key_reused", definition: "trip" });
});

test("status rejects when the log does not answer: nothing may be concluded", async () => {
  const { world, orchestrator } = await booted();
  world.scriptedLog.failNext("peek", "not_written");
  await assert.rejects(world.clock.until(orchestrator.status(trip, "k")));
});
