// S4: a key belongs to one definition, also while a breaker is open, and where the log has lost an attempt.
import { encodeOrigin, type Question } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunResult } from "../coordinator/run-result.ts";
import { defineTransaction, type Transaction } from "../coordinator/definition.ts";
import { type Trip, trip, tripSchema, World } from "../../test-kit/world.ts";
import { delivered, lost } from "../../test-kit/network.ts";

const one = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const refund: Transaction<Trip> = defineTransaction<Trip>({
  name: "refund",
  input: tripSchema,
  steps: { seats: { service: "flights", payload: ({ flight, seats }) => ({ entries: [[flight, seats]] }) } },
});
const reused: RunResult = { kind: "key_reused", definition: "trip" };

async function worldOfBoth() {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc", definitions: [trip, refund] });
  const run = (definition: Transaction<Trip>, key: string): Promise<RunResult> =>
    world.clock.until(orchestrator.run(definition, { key, input: { ...one } }));
  return { world, orchestrator, run };
}

test("S4 another definition under a key is refused, with equal input, and does nothing", async () => {
  const { world, run } = await worldOfBoth();
  assert.equal((await run(trip, "k")).kind, "committed");
  const sent = world.network.sent.length;
  assert.deepEqual(await run(refund, "k"), reused);
  assert.equal(world.network.sent.length, sent);
  assert.equal((await run(trip, "k")).kind, "committed", "the one that owns the key is answered as before");
  assert.equal((await run(refund, "other")).kind, "committed");
});

test("S4 another definition under a key is refused while a breaker is open, too", async () => {
  const { world, run } = await worldOfBoth();
  assert.equal((await run(trip, "k")).kind, "committed");
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  for (let index = 0; index < 5; index += 1) await run(refund, `opener${index}`);
  assert.equal((await run(refund, "fresh")).kind, "service_unavailable");
  assert.deepEqual(await run(refund, "k"), reused);
});

test("R5, S4 a branch of an attempt that was lost is not answered with what another definition decided", async () => {
  const { world, orchestrator, run } = await worldOfBoth();
  assert.equal((await run(trip, "k")).kind, "committed");
  const { txId, begunAt, epoch } = await lastRecord(world);
  const names = { coordinator: "trips", key: "k", definition: "refund", definitionHash: refund.hash };
  const origin = encodeOrigin({ ...names, input: { ...one }, deadlineAt: begunAt + 10_000 });
  const next = txId.replace(/1$/, "2");
  for (const name of [txId, next]) {
    const question: Question = { txId: name, branchId: "seats/0", protocol: "2pc", epoch, begunAt, origin };
    assert.deepEqual(await world.clock.until(orchestrator.answerQuestion(question)), { kind: "wait" });
  }
  assert.equal(world.seen("AlarmRaised").length, 2);
  assert.equal(await world.record(next), undefined);
});

async function lastRecord(world: World) {
  const row = await world.row("k");
  const record = await world.record(`k:${row?.incarnation}:${row?.attempt}`);
  assert.ok(record !== undefined);
  return record;
}
