// An unsent message is not silence: a process that is cut off from its bus opens no breaker and begins nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };

const start = (orchestrator: Orchestrator, key: string): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

const keys = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `k${index}`);

test("what cannot be sent opens no breaker: after an outage all that was under way ends", async () => {
  const world = await World.with({ rooms: 20, seats: 20 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.outage = { code: "bus_lost", reason: "asked to", from: world.clock.monotonic() };
  world.network.commandFate = () => lost;
  const begun = keys(10).map((key) => start(orchestrator, key));
  await world.clock.advance(4_000);
  world.network.outage = { ...world.network.outage, to: world.clock.monotonic() };
  world.network.commandFate = () => delivered;
  const results = await world.clock.until(Promise.all(begun));
  assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(["committed"]));
  assert.deepEqual(world.seen("BreakerChanged"), []);
  assert.equal((await world.clock.until(start(orchestrator, "fresh"))).kind, "committed");
  await world.clock.advance(1_000);
  await checkMoney(world, new Map([...keys(10), "fresh"].map((key) => [key, one])));
});

test("silence after an outage counts as silence", async () => {
  const world = await World.with({ rooms: 20, seats: 20 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const now = world.clock.monotonic();
  world.network.outage = { code: "bus_lost", reason: "asked to", from: now, to: now };
  await world.clock.advance(1);
  world.network.commandFate = ({ service, verb }) => (service === "flights" && verb === "prepare" ? lost : delivered);
  await world.clock.until(Promise.all(keys(5).map((key) => start(orchestrator, key))));
  assert.equal((await world.clock.until(start(orchestrator, "fresh"))).kind, "service_unavailable");
});

test("an outage that lasts lets nothing begin, is answered at once, and leaves what was paid as paid", async () => {
  const world = await World.with({ rooms: 20, seats: 20 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  assert.equal((await world.clock.until(start(orchestrator, "paid"))).kind, "committed");
  world.network.outage = { code: "bus_lost", reason: "asked to", from: world.clock.monotonic() };
  await world.clock.advance(world.limits.replyWaitMs);
  const askedAt = world.clock.monotonic();
  const refused = await world.clock.until(start(orchestrator, "fresh"));
  assert.deepEqual(refused, { kind: "service_unavailable", service: "hotels", retryAfterMs: 1_000 });
  assert.equal(world.clock.monotonic(), askedAt, "nobody waited");
  assert.equal(await world.row("fresh"), undefined);
  assert.equal((await world.clock.until(start(orchestrator, "paid"))).kind, "committed");
  world.network.outage = { ...world.network.outage, to: world.clock.monotonic() };
  assert.equal((await world.clock.until(start(orchestrator, "fresh"))).kind, "committed");
});
