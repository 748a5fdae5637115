// What branches return reaches the caller, the repeat and the process that takes over; an abort names its step.
import type { ActionResult } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Handling, type Trip, tripSchema, World } from "../../test-kit/world.ts";
import type { Plannable, StepPlan } from "./definition.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };

/** Steps that follow from the input; `version` changes what they ask for. */
function tour(version = 1): Plannable<Trip> {
  const step = (name: string, service: string, entries: [string, number][]): StepPlan => {
    return { name, service, after: [], branches: [{ partition: "0", payload: { entries } }] };
  };
  return {
    name: "tour",
    input: tripSchema,
    hash: "of_plan",
    plan: ({ hotel, rooms, flight, seats }) => [
      step("room", "hotels", [[hotel, rooms * version]]),
      step("seat", "flights", [[flight, seats]]),
    ],
  };
}

/** Hotels answer a reference; flights answer nothing. */
function referring({ service, operation, txId, good }: Handling): ActionResult {
  const result = good();
  const isVote = operation === "prepare" || operation === "execute";
  return isVote && service === "hotels" && result.kind === "ok" ? { ...result, output: { reference: txId } } : result;
}

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: what a branch returned is in the result, also of a repeat`, async () => {
    const world = await World.with({ rooms: 9, seats: 9 });
    world.handle = referring;
    const { orchestrator } = world.boot({ protocol });
    const run = () => world.clock.until(orchestrator.run(tour(), { key: "k", input: { ...one } }));
    const first = await run();
    assert.ok(first.kind === "committed" && !first.repeated);
    assert.deepEqual(first.outputs, { "room/0": { reference: first.txId } });
    assert.deepEqual(await run(), { ...first, repeated: true });
  });
}

test("a process that takes over gets from the branches what they returned", async () => {
  let takenOver = 0;
  for (let point = 1; point <= 8; point += 1) {
    const world = await World.with({ rooms: 9, seats: 9 });
    world.handle = referring;
    const first = world.boot({ protocol: "2pc" });
    first.process.dieAtPoint(point);
    void first.orchestrator.run(tour(), { key: "k", input: { ...one } });
    await world.clock.advance(100);
    const { orchestrator } = world.boot({ definitions: [tour()] });
    await world.clock.until(orchestrator.start());
    await world.clock.advance(20_000);
    const result = await world.clock.until(orchestrator.run(tour(), { key: "k", input: { ...one } }));
    assert.ok(result.kind === "committed", `point ${point}`);
    assert.deepEqual(result.outputs, { "room/0": { reference: result.txId } }, `point ${point}`);
    const decided = world.seen("TransactionDecided")[0];
    if (world.seen("TransactionTakenOver").length > 0 && decided !== undefined && result.repeated) takenOver += 1;
  }
  assert.ok(takenOver > 0, "one committed what another had begun");
});

for (const [why, rooms, spoil, expected] of [
  ["a refusal", 0, undefined, { reason: "sold_out", step: "room" }],
  ["a failed handler", 9, () => assert.fail("a bug"), { reason: "handler_failed", step: "seat" }],
] as const) {
  test(`an abort by ${why} names its step, also to another process`, async () => {
    const world = await World.with({ rooms, seats: 9 });
    const { orchestrator } = world.boot({ protocol: "2pc" });
    world.handle = ({ service, operation, good }) =>
      service === "flights" && operation === "prepare" ? (spoil ?? good)() : good();
    const running = orchestrator.run(tour(), { key: "k", input: { ...one } });
    await world.clock.advance(5);
    const beside = world.boot().orchestrator.run(tour(), { key: "k", input: { ...one } });
    for (const result of [await world.clock.until(running), await world.clock.until(beside)]) {
      assert.ok(result.kind === "aborted");
      assert.deepEqual({ reason: result.reason, step: result.step }, expected);
    }
  });
}

test("C7 a record continues only with the plan it began with, from any of the versions served", async () => {
  for (const [definitions, isTakenOver] of [
    [[tour(2)], false],
    [[tour(2), tour()], true],
  ] as const) {
    const world = await World.with({ rooms: 9, seats: 9 });
    const first = world.boot({ protocol: "2pc" });
    first.process.dieAtPoint(2);
    void first.orchestrator.run(tour(), { key: "k", input: { ...one } });
    await world.clock.advance(100);
    const { orchestrator } = world.boot({ definitions: [...definitions] });
    await world.clock.until(orchestrator.start());
    await world.clock.advance(20_000);
    const parked = world.seen("TransactionParked")[0];
    assert.equal(parked?.type === "TransactionParked" && parked.note.reason, !isTakenOver && "unknown_definition");
    assert.equal((await world.active()).length, isTakenOver ? 0 : 1);
  }
});

test("a choice of the protocol avoids what a step does not support", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "auto" });
  const sagaOnly: Plannable<Trip> = {
    ...tour(),
    plan: (input) =>
      tour()
        .plan(input)
        .map((step) => ({ ...step, protocols: ["saga"] })),
  };
  await world.clock.until(orchestrator.run(sagaOnly, { key: "k", input: { ...one } }));
  const begun = world.seen("TransactionBegun")[0];
  assert.equal(begun?.type === "TransactionBegun" && begun.protocol, "saga");
});
