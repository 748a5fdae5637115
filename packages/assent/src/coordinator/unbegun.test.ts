// A call that certainly began nothing is reported as such; a call that may have begun something stays pending.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lost } from "../../test-kit/network.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const start = (orchestrator: Orchestrator, key: string): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

test("C2 if the log certainly began nothing, that is the result; if it may have begun, it is pending", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.scriptedLog.failNext("begin", "refused");
  const refused = await world.clock.until(start(orchestrator, "k"));
  assert.deepEqual(refused, { kind: "store_unavailable", retryAfterMs: 1_000 });
  assert.deepEqual(
    [await world.row("k"), world.network.sent, world.seen("BackgroundWorkFailed").length],
    [undefined, [], 1],
  );
  assert.equal((await world.clock.until(start(orchestrator, "k"))).kind, "committed", "the next call begins");
  for (const fault of ["not_written", "reply_lost"] as const) {
    world.scriptedLog.failNext("begin", fault);
    assert.equal((await world.clock.until(start(orchestrator, fault))).kind, "pending", fault);
  }
  assert.equal(orchestrator.load().inFlight, 0);
});

test("C2 what another attempt came to stays open when the log refuses to be read", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const dying = world.boot({ protocol: "2pc" });
  world.network.commandFate = () => lost;
  void start(dying.orchestrator, "k");
  await world.clock.advance(10);
  dying.process.die();
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.scriptedLog.failNext("read", "refused");
  assert.equal((await world.clock.until(start(orchestrator, "k"))).kind, "pending");
});
