// A failed handler is a bug in one branch: it is observed at once, reported in the result, and cuts off no others.
import type { BranchAction } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkMoney } from "../../test-kit/verdict.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import { delivered, lost } from "../../test-kit/network.ts";
import { HandlerFailed } from "../participant/handler-result.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const start = (orchestrator: Orchestrator, key: string): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

/** Replaces an operation of flights for the transaction of this key. */
function spoil(
  world: World,
  key: string,
  wrong: Partial<Record<BranchAction, (good: () => unknown) => unknown>>,
): void {
  world.handle = ({ service, operation, txId, good }) => {
    const instead = service === "flights" && txId.startsWith(`${key}:`) ? wrong[operation] : undefined;
    return instead === undefined ? good() : instead(good);
  };
}

function throwing(): never {
  throw new TypeError("a bug in a handler");
}

const bugs: readonly (readonly [what: string, wrong: (good: () => unknown) => unknown])[] = [
  ["throws", throwing],
  ["returns nothing", () => null],
  ["returns a promise", (good) => Promise.resolve(good())],
  ["returns a promise that fails", (good) => Promise.resolve(good()).then(throwing)],
  ["returns an unknown kind", () => ({ kind: "done" })],
  ["refuses without a reason", () => ({ kind: "refused" })],
  ["leaves a memo that JSON cannot carry", () => ({ kind: "ok", memo: { n: Number.NaN } })],
];

for (const [protocol, vote] of [
  ["2pc", "prepare"],
  ["saga", "execute"],
] as const) {
  for (const [what, wrong] of bugs) {
    test(`${protocol}: a handler that ${what} is observed at once, retried, and reported at the deadline`, async () => {
      const world = await World.with({ rooms: 5, seats: 5 });
      const { orchestrator } = world.boot({ protocol });
      spoil(world, "k", { [vote]: wrong });
      const running = start(orchestrator, "k");
      await world.clock.advance(20);
      const [seen] = world.seen("HandlerFailed");
      assert.ok(seen?.type === "HandlerFailed" && seen.error instanceof HandlerFailed);
      assert.deepEqual([seen.branchId, seen.verb], ["seats/0", vote]);
      if (what === "throws") assert.ok(seen.error.cause instanceof TypeError && seen.error.cause.stack !== undefined);
      const result = await world.clock.until(running);
      assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "handler_failed"]);
      assert.ok(world.seen("HandlerFailed").length > 2, "it is tried again within the deadline");
      assert.deepEqual(world.seen("BreakerChanged"), []);
      assert.equal((await world.account("flights", "f")).available, 5, "nothing of a failed step is kept");
      await world.clock.advance(60_000);
      await checkMoney(world, new Map([["k", one]]));
    });
  }
}

test("a handler that works again within the deadline votes, and its transaction commits", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  let tries = 0;
  spoil(world, "k", { prepare: (good) => ((tries += 1) < 3 ? throwing() : good()) });
  assert.equal((await world.clock.until(start(orchestrator, "k"))).kind, "committed");
  assert.equal(world.seen("HandlerFailed").length, 2);
});

test("a branch that was only silent is reported as a timeout", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service, verb }) => (service === "flights" && verb === "prepare" ? lost : delivered);
  const result = await world.clock.until(start(orchestrator, "k"));
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "timeout"]);
});

for (const [protocol, verb, why] of [
  ["saga", "compensate", "gives back"],
  ["2pc", "abort", "releases"],
  ["2pc", "commit", "takes"],
] as const) {
  test(`${protocol}: a branch whose ${verb} always fails turns nobody away, and parks as what it is`, async () => {
    const world = await World.with({ rooms: verb === "commit" ? 99 : 1, seats: 99 });
    const { orchestrator } = world.boot({ protocol });
    await world.clock.until(start(orchestrator, "first"));
    spoil(world, "stuck", { [verb]: throwing });
    const stuck = await world.clock.until(start(orchestrator, "stuck"));
    assert.equal(stuck.kind, verb === "commit" ? "committed" : "aborted");
    await world.deposit("hotels", "h", 99);
    for (let other = 0; other < 30; other += 1) {
      const result = await world.clock.until(start(orchestrator, `other${other}`));
      assert.equal(result.kind, "committed", `other${other}`);
      await world.clock.advance(10_000);
    }
    assert.deepEqual(world.seen("BreakerChanged"), []);
    const parked = world.seen("TransactionParked")[0];
    assert.equal(parked?.type === "TransactionParked" && parked.note.reason, "handler_failed_in_flights");
    world.handle = ({ good }) => good();
    await world.clock.advance(120_000);
    assert.deepEqual(await world.active(), [], `once it ${why} again, everything ends`);
  });
}

test("one branch that stays silent for a decision turns nobody away: it is one failure until it answers", async () => {
  const world = await World.with({ rooms: 99, seats: 99 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb, txId }) => (verb === "commit" && txId.startsWith("stuck:") ? lost : delivered);
  assert.equal((await world.clock.until(start(orchestrator, "stuck"))).kind, "committed");
  await world.clock.advance(600_000);
  assert.deepEqual(world.seen("BreakerChanged"), []);
  assert.equal((await world.clock.until(start(orchestrator, "other"))).kind, "committed");
});

test("any number of transactions whose handlers fail opens no breaker: their service answers", async () => {
  const world = await World.with({ rooms: 99, seats: 99 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.handle = ({ service, txId, good }) =>
    service === "flights" && txId.startsWith("poison") ? throwing() : good();
  const poisoned = Array.from({ length: 8 }, (_, index) => start(orchestrator, `poison${index}`));
  await world.clock.advance(1_000);
  assert.equal((await world.clock.until(start(orchestrator, "other"))).kind, "committed");
  const results = await world.clock.until(Promise.all(poisoned));
  assert.ok(results.every((result) => result.kind === "aborted" && result.reason === "handler_failed"));
  assert.deepEqual(world.seen("BreakerChanged"), []);
});
