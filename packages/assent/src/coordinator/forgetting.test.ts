// P7: `forget` is sent until it is acknowledged. Virtual time, real participants, a bus that loses it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost, unanswered } from "../../test-kit/network.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const two: Trip = { hotel: "h", rooms: 2, flight: "f", seats: 2 };
const start = (orchestrator: Orchestrator): Promise<RunResult> =>
  orchestrator.run(trip, { key: "k", input: { ...two } });

async function committed(world: World, orchestrator: Orchestrator): Promise<string> {
  const result = await world.clock.until(start(orchestrator));
  assert.ok(result.kind === "committed");
  return result.txId;
}

test("P7 a forget that is lost, and one whose answer is lost, are sent again", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const fates = [lost, unanswered];
  world.network.commandFate = ({ verb, service }) =>
    verb === "forget" && service === "hotels" ? (fates.shift() ?? delivered) : delivered;
  const txId = await committed(world, orchestrator);
  await world.clock.advance(20_000);
  assert.equal((await world.branch("hotels", txId))?.forgotten, true);
  assert.deepEqual(world.network.verbs("forget").toSorted(), [
    "flights forget",
    "hotels forget",
    "hotels forget",
    "hotels forget",
  ]);
});

test("P7 a participant that stays silent keeps no driver alive, opens no breaker, and delays no stop", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb }) => (verb === "forget" ? lost : delivered);
  await committed(world, orchestrator);
  await world.clock.advance(1_000);
  assert.equal(orchestrator.load().live, 0, "it has ended");
  await world.clock.advance(600_000);
  assert.equal(world.network.verbs("forget").length, 2 * world.limits.forgetAttempts);
  assert.deepEqual(world.seen("BreakerChanged"), []);
});

test("P7 a process that stops waits for no forget, and sends none afterwards", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb }) => (verb === "forget" ? lost : delivered);
  await committed(world, orchestrator);
  await world.clock.advance(1_000);
  const before = world.clock.now();
  await world.clock.until(orchestrator.stop(10_000));
  assert.equal(world.clock.now(), before);
  await world.clock.advance(600_000);
  assert.equal(world.network.verbs("forget").length, 2);
});

test("R5 while the log may still lose the end, no `forget` is sent", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc", logMayLoseTail: true });
  await committed(world, orchestrator);
  await world.clock.advance(20_000);
  assert.deepEqual(world.network.verbs("forget"), []);
});
