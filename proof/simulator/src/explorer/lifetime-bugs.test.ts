// The lifetimes of P7: mutants of the machines are found, and the same worlds are clean without them.
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
  name: "a lost vote that is found when it has expired",
  shows: "T7, P7",
  protocol: "2pc",
  branches: [{ vote: "agrees" }],
  budgets: { lostVotes: 1, ages: 2 },
  mayPark: ["conflict", "heuristic_hazard", "mixed_outcome", "expired_in_phase_two"],
  fairly: true,
};

interface LifetimeBug {
  readonly name: string;
  readonly breaks: string;
  readonly world: World;
  readonly machines: Partial<Machines>;
}

const bugs: readonly LifetimeBug[] = [
  {
    name: "an outcome is removed by its age alone",
    breaks: "P7",
    world: named("lost forgets, 2pc"),
    machines: { mayRemove: () => true },
  },
  {
    name: "a record that came back takes what has forgotten for a lost vote",
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

for (const { name, breaks, world, machines } of bugs) {
  test(`a planted bug is found: ${name}`, () => {
    const [violation] = explore({ ...world, machines }).violations;
    assert.equal(violation?.rule, breaks, violation?.text ?? "nothing was found");
    assert.deepEqual(explore(world).violations, [], "the same world with the machines as they are");
  });
}
