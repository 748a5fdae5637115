// A step with a time of its own is not waited for any longer, in every way in which it can fail to vote.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { type Trip, tripSchema, World } from "../../test-kit/world.ts";
import type { Plannable } from "./definition.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const withinMs = 3_000;

const hasty: Plannable<Trip> = {
  name: "trip",
  input: tripSchema,
  hash: "of_plan",
  onCommit: { set: { booked: true } },
  plan: ({ hotel, rooms, flight, seats }) => [
    {
      name: "rooms",
      service: "hotels",
      after: [],
      branches: [{ partition: "0", payload: { entries: [[hotel, rooms]] } }],
    },
    {
      name: "seats",
      service: "flights",
      after: ["rooms"],
      withinMs,
      branches: [{ partition: "0", payload: { entries: [[flight, seats]] } }],
    },
  ],
};

const run = (world: World, orchestrator: ReturnType<World["boot"]>["orchestrator"]) =>
  world.clock.until(orchestrator.run(hasty, { key: "k", input: { ...one } }));

for (const protocol of ["2pc", "saga"] as const) {
  const vote = protocol === "2pc" ? "prepare" : "execute";
  for (const [what, reason, spoil] of [
    [
      "is silent",
      "timeout",
      (world: World) => {
        world.network.commandFate = ({ service, verb }) => (service === "flights" && verb === vote ? lost : delivered);
      },
    ],
    [
      "has a bug",
      "handler_failed",
      (world: World) => {
        world.handle = ({ service, operation, good }) =>
          service === "flights" && operation === vote ? assert.fail("a bug") : good();
      },
    ],
  ] as const) {
    test(`${protocol}: a step that ${what} aborts the transaction when its own time is over`, async () => {
      const world = await World.with({ rooms: 5, seats: 5 });
      const { orchestrator } = world.boot({ protocol });
      spoil(world);
      const startedAt = world.clock.now();
      const result = await run(world, orchestrator);
      assert.ok(result.kind === "aborted");
      assert.deepEqual([result.reason, result.step], [reason, "seats"]);
      const tookMs = world.clock.now() - startedAt;
      assert.ok(tookMs >= withinMs && tookMs < withinMs + 1_000 + world.limits.releaseWaitMs, `${tookMs} ms`);
      world.network.commandFate = () => delivered;
      world.handle = ({ good }) => good();
      await world.clock.advance(120_000);
      await checkMoney(world, new Map([["k", one]]));
    });
  }
}

for (const [what, after] of [
  ["counted from when it is asked", ["rooms"]],
  ["over for nothing once it has voted", []],
] as const) {
  test(`a step that votes in time commits: its time is ${what}`, async () => {
    const world = await World.with({ rooms: 5, seats: 5 });
    const { orchestrator } = world.boot({ protocol: "2pc" });
    const answersFrom = world.clock.now() + withinMs + 500;
    world.network.commandFate = ({ service }) =>
      service === "hotels" && world.clock.now() < answersFrom ? lost : delivered;
    const plan: (typeof hasty)["plan"] = (input) =>
      hasty.plan(input).map((step) => (step.name === "seats" ? { ...step, after } : step));
    const running = orchestrator.run({ ...hasty, plan }, { key: "k", input: { ...one } });
    assert.equal((await world.clock.until(running)).kind, "committed");
  });
}

test("P8 a vote that is asked for too late is refused by the branch itself", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const seen: (number | undefined)[] = [];
  world.network.commandFate = ({ service, verb, deadlineAt, begunAt }) => {
    if (verb === "prepare") seen.push((deadlineAt ?? 0) - begunAt);
    return service === "flights" && verb === "prepare" ? lost : delivered;
  };
  await run(world, orchestrator);
  const [rooms = 0, ...seats] = seen;
  assert.equal(rooms, world.limits.phaseOneDeadlineMs);
  assert.ok(seats.length > 1 && new Set(seats).size === 1, "asked again, it has no more time");
  assert.ok((seats[0] ?? 0) < withinMs + 100);
});

test("C6 a process that may not let silence decide waits for the branch beyond the time of its step", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc", logMayLoseTail: true });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  void orchestrator.run(hasty, { key: "k", input: { ...one } });
  await world.clock.advance(withinMs + 2_000);
  assert.deepEqual(world.seen("TransactionDecided"), []);
});
