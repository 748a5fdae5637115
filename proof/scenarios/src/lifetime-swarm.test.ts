// The lifetime worlds contain the faults that they are meant for.
import { SeededRandom } from "assent/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { lifetimeSwarmOf } from "./lifetime-swarm.ts";
import { simulate } from "./simulate.ts";
import { worldsOf } from "./swarm.ts";
import { limitsOf } from "./world-limits.ts";

const services = ["order", "stock", "payment"];
const stores = ["orders", "stock", "payment"];

test("every tenth seed has a lifetime world in addition to its storm", () => {
  assert.deepEqual([19, 20, 21].map(worldsOf), [["storm"], ["storm", "lifetimes"], ["storm"]]);
});

test("each world has an outage longer than every lifetime, and all kinds of outages occur", () => {
  const drawn = new Set<string>();
  for (let seed = 1; seed <= 300; seed += 1) {
    const swarm = lifetimeSwarmOf(new SeededRandom(seed));
    const long = swarm.faults.filter(({ forMs }) => forMs > 5 * limitsOf(swarm).maxAgeMs);
    const outages = long.filter(({ kind }) => kind !== "lose_forgets");
    assert.ok(outages.length > 0, `seed ${seed}`);
    assert.ok(
      outages.every(({ atMs, forMs }) => atMs + forMs < swarm.stormMs),
      `seed ${seed}`,
    );
    for (const { kind, target } of long) drawn.add(`${kind} ${target.replace(/-.*/, "")}`);
  }
  const expected = [
    ...["crash", "crash_at_point", "pause"].flatMap((kind) => services.map((service) => `${kind} ${service}`)),
    ...["store_failures", "store_lost_replies", "store_full"].flatMap((kind) => stores.map((of) => `${kind} ${of}`)),
    ...services.map((from) => `cut_one_way ${from}`),
    ...["bus_down", "very_late", "lose_forgets"].map((kind) => `${kind} bus`),
  ];
  assert.deepEqual([...drawn].sort(), expected.sort());
});

test("the same seed gives the same run, at whose end outcomes, branches and their entries are removed", async () => {
  const run = { seed: 1, world: "lifetimes", keepTrace: true } as const;
  const [first, second] = [await simulate(run), await simulate(run)];
  assert.deepEqual(second.trace, first.trace);
  assert.deepEqual(first.violations, []);
});
