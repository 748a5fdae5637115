// The lifetimes of P7: mutants of the state machines are found, and the same worlds are clean without them.
import { coordinate } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { test } from "node:test";
import { explore, type Machines, type World, worldNamed } from "./index.ts";

const named = (name: string): World => {
  const world = worldNamed(name);
  assert.ok(world !== undefined, name);
  return world;
};

const lostVote: World = {
  name: "a lost vote that is discovered after it expired",
  shows: "T7, P7",
  protocol: "2pc",
  branches: [{ vote: "agrees" }],
  budgets: { lostVotes: 1, ages: 2 },
  mayPark: ["conflict", "heuristic_hazard", "mixed_outcome", "expired_in_phase_two"],
  fairly: true,
};

interface LifetimeMutant {
  readonly name: string;
  readonly breaks: string;
  readonly world: World;
  readonly machines: Partial<Machines>;
}

const mutants: readonly LifetimeMutant[] = [
  {
    name: "an outcome is removed by its age alone",
    breaks: "P7",
    world: named("lost forgets, 2pc"),
    machines: { mayRemove: () => true },
  },
  {
    name: "a rebuilt record takes a forgotten branch for a lost vote",
    breaks: "P2",
    world: named("outlived, 2pc"),
    machines: {
      coordinate(state, event, context) {
        const { rebuilt: _rebuilt, ...record } = state.record;
        return coordinate({ ...state, record }, event, context);
      },
    },
  },
  {
    name: "expired acknowledges every commit",
    breaks: "R4",
    world: lostVote,
    machines: {
      coordinate: (state, event, context) =>
        coordinate({ ...state, record: { ...state.record, rebuilt: true } }, event, context),
    },
  },
];

for (const { name, breaks, world, machines } of mutants) {
  test(`a mutant is found: ${name}`, () => {
    const [violation] = explore({ ...world, machines }).violations;
    assert.equal(violation?.rule, breaks, violation?.text ?? "nothing was found");
    assert.deepEqual(explore(world).violations, [], "the same world without the mutant");
  });
}
