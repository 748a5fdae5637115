// The explorer visits every state, finds mutants, and finds nothing in the unmodified state machines.
import assert from "node:assert/strict";
import { test } from "node:test";
import { explore, quickWorlds, type World, worldNamed, worlds, worldsBeyond, WorldTooLarge } from "./index.ts";
import { machineMutants } from "./mutants.test.ts";

const named = (name: string): World => {
  const world = worldNamed(name);
  assert.ok(world !== undefined, name);
  return world;
};

/**
 * One coordinator, no faults, n branches that agree. By hand:
 *
 * phase 1   each branch is at one of three points: its prepare is in flight, its answer is in flight, or its answer has
 *           been received: 3^n states. In the last of them, with every answer received, the decision is in flight.
 * decided   the answer of the log is in flight: 1 state.
 * phase 2   the same three points for commit: 3^n states; in the last of them the end is in flight.
 * ended     the answer of the log is in flight: 1 state.
 * forget    the same three points for forget: 3^n states.
 *
 * Together 3·3^n + 2: 11 for one branch, 29 for two, 83 for three. The path to the end is equally long for every order
 * of arrival: 2n + 2 + 2n + 2 + 2n = 6n + 4 arrivals.
 */
for (const branches of [1, 2, 3]) {
  for (const protocol of ["2pc", "saga"] as const) {
    test(`${branches} branches that agree, without faults, ${protocol}: as many states as counted by hand`, () => {
      const plans = Array.from({ length: branches }, () => ({ vote: "agrees" }) as const);
      const result = explore({ name: "counted", shows: "", protocol, branches: plans, budgets: {} });
      assert.deepEqual(result.violations, []);
      assert.equal(result.states, 3 * 3 ** branches + 2);
      assert.equal(result.depth, 6 * branches + 4);
    });
  }
}

/**
 * The same for a single branch that refuses: its prepare is in flight, then its answer, the decision, the answer of the
 * log; then failure is returned and the end is in flight, then its answer, then nothing.
 */
test("one branch that refuses: as many states as counted by hand", () => {
  const result = explore({ name: "counted", shows: "", protocol: "2pc", branches: [{ vote: "refuses" }], budgets: {} });
  assert.deepEqual([result.states, result.transitions, result.depth, result.violations], [7, 6, 6, []]);
});

for (const world of quickWorlds) {
  test(`no rule is broken in the world "${world.name}": ${world.shows}`, () => {
    const { violations } = explore(world);
    assert.deepEqual(violations, []);
  });
}

for (const { name, breaks, world } of machineMutants) {
  test(`a mutant is found: ${name}`, () => {
    const [violation] = explore(world).violations;
    assert.equal(violation?.rule, breaks, violation?.text ?? "nothing was found");
    assert.equal(violation.trace[0], "the attempt begins");
    const { machines: _machines, ...sound } = world;
    assert.deepEqual(explore(sound).violations, [], "the same world without the mutant");
  });
}

for (const world of worldsBeyond) {
  test(`beyond the fault model a violation is found: ${world.name}`, () => {
    const [violation] = explore(world).violations;
    assert.ok(violation !== undefined && ["S4", "S5"].includes(violation.rule), violation?.text);
  });
}

test("a trace is one of the shortest, and is readable", () => {
  const [violation] = explore(machineMutants[0]?.world ?? named("one branch, 2pc")).violations;
  assert.deepEqual(violation, {
    rule: "C1",
    text: "commit without the vote of b",
    trace: [
      "the attempt begins",
      "arrives: prepare 2pc a @0 from p0@0",
      "arrives: answer prepare a done prepared to p0@0",
      "arrives: write commit by p0@0",
    ],
  });
});

test("a world that is too large is given up, and progress is reported level by level", () => {
  const depths: number[] = [];
  const options = { statesMax: 11, onLevel: ({ depth }: { depth: number }) => void depths.push(depth) };
  assert.throws(() => explore(named("two branches, 2pc"), options), WorldTooLarge);
  explore(named("one branch, 2pc"), options);
  assert.equal(depths.at(-1), 10);
});

test("every counterexample of the protocol document has a world, in its protocol or in both", () => {
  const names = worlds.map(({ name }) => name);
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    assert.ok(
      names.some((name) => name.startsWith(`T${number}`)),
      `T${number}`,
    );
  }
  assert.equal(new Set(names).size, names.length, "names are unique");
});
