// A service that is slow, or loses some messages, is not cut off while it answers others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost, type SentCommand } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
/** More than open a breaker at once. */
const silent = 8;
const silentKeys = Array.from({ length: silent }, (_, index) => `silent${index}`);

const start = (orchestrator: Orchestrator, key: string): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

/** Loses commands to flights with this verb and these keys, the first time or always. */
function lose(world: World, verb: string, times: "first" | "always"): void {
  const seen = new Set<string>();
  world.network.commandFate = (command: SentCommand) => {
    const isSilent = command.service === "flights" && command.verb === verb && command.txId.startsWith("silent");
    if (!isSilent || (times === "first" && seen.has(command.txId))) return delivered;
    seen.add(command.txId);
    return lost;
  };
}

for (const verb of ["prepare", "commit"] as const) {
  test(`silence for a ${verb} while others are answered opens no breaker`, async () => {
    const world = await World.with({ rooms: 20, seats: 20 });
    const { orchestrator } = world.boot({ protocol: "2pc" });
    lose(world, verb, "first");
    const running = silentKeys.map((key) => start(orchestrator, key));
    await world.clock.advance(1_000);
    assert.equal((await world.clock.until(start(orchestrator, "other"))).kind, "committed");
    const results = await world.clock.until(Promise.all(running));
    assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(["committed"]));
    await world.clock.advance(5_000);
    assert.deepEqual(world.seen("BreakerChanged"), []);
    await checkMoney(world, new Map([...silentKeys, "other"].map((key) => [key, one])));
  });
}

test("decisions unanswered a second time open the breaker, although others are acknowledged", async () => {
  const world = await World.with({ rooms: 20, seats: 20 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  lose(world, "commit", "always");
  await world.clock.until(Promise.all(silentKeys.map((key) => start(orchestrator, key))));
  for (const key of ["a", "b", "c"]) {
    await world.clock.advance(1_000);
    assert.equal((await world.clock.until(start(orchestrator, key))).kind, "committed");
  }
  await world.clock.advance(2_500);
  assert.equal((await world.clock.until(start(orchestrator, "late"))).kind, "service_unavailable");
});
