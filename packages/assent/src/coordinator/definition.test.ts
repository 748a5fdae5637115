// Definitions are checked when they are made; branch lists are a pure function of definition and input.
import { defaultLimits, type Json } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Trip, trip, tripSchema } from "../../test-kit/world.ts";
import { defineTransaction, planBranches, type StepDefinition, type Transaction } from "./definition.ts";

type Steps = Readonly<Record<string, StepDefinition<Trip>>>;

const input = { hotel: "h", rooms: 1, flight: "f", seats: 2 };
const payload = (): Json => 1;

function define(steps: Steps, name = "t", version?: number): Transaction<Trip> {
  return defineTransaction({ name, input: tripSchema, steps, ...(version !== undefined && { version }) });
}

for (const [what, steps] of [
  ["no steps", {}],
  ["neither payload nor branches", { a: { service: "s" } }],
  ["both payload and branches", { a: { service: "s", payload, branches: () => [] } }],
  ["after an unknown step", { a: { service: "s", payload, after: ["b"] } }],
  ["after something that every object has", { a: { service: "s", payload, after: ["toString"] } }],
  ["after itself", { a: { service: "s", payload, after: ["a"] } }],
  [
    "in a circle",
    {
      a: { service: "s", payload, after: ["c"] },
      b: { service: "s", payload, after: ["a"] },
      c: { service: "s", payload, after: ["b"] },
    },
  ],
] as const) {
  test(`a definition is refused: ${what}`, () => {
    assert.throws(() => define(steps), { name: "InvalidDefinition", code: "invalid_definition" });
  });
}

test("a diamond is no circle", () => {
  const steps = {
    a: { service: "s", payload },
    b: { service: "s", payload, after: ["a"] },
    c: { service: "s", payload, after: ["a"] },
    d: { service: "s", payload, after: ["b", "c"] },
  };
  const after = planBranches(define(steps), input, defaultLimits).map((branch) => branch.after);
  assert.deepEqual(after, [[], ["a/0"], ["a/0"], ["b/0", "c/0"]]);
});

test("C7 the hash pins name, version, steps, services and order", () => {
  const steps = { a: { service: "s", payload }, b: { service: "s", payload } };
  const hashes = [
    define(steps),
    define(steps, "other"),
    define(steps, "t", 2),
    define({ ...steps, c: { service: "s", payload } }),
    define({ a: { service: "x", payload }, b: steps.b }),
    define({ a: steps.a, b: { service: "s", payload, after: ["a"] } }),
  ].map(({ hash }) => hash);
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(define(steps).hash, hashes[0], "and nothing else: the same definition has the same hash anywhere");
  assert.equal(define(steps, "t", 1).hash, hashes[0]);
});

test("services are named once each", () => {
  assert.deepEqual(define({ a: { service: "s", payload }, b: { service: "s", payload } }).services, ["s"]);
  assert.deepEqual(trip.services, ["hotels", "flights"]);
});

test("one branch per step, or one per partition, with ids that are unique", () => {
  const branches = (): { partition: string; payload: Json }[] => [
    { partition: "p1", payload: { n: 1 } },
    { partition: "p2", payload: { n: 2 } },
  ];
  const plan = planBranches(
    define({ a: { service: "s", branches }, b: { service: "t", payload, after: ["a"] } }),
    input,
    defaultLimits,
  );
  assert.deepEqual(
    plan.map(({ branchId, partition, after }) => [branchId, partition, after]),
    [
      ["a/0", "p1", []],
      ["a/1", "p2", []],
      ["b/0", "0", ["a/0", "a/1"]],
    ],
  );
});

test("a step that this input does not need has no branch; what came after it still comes after what was before", () => {
  const steps: Steps = {
    a: { service: "s", payload },
    b: { service: "s", payload: () => undefined, after: ["a"] },
    c: { service: "s", payload, after: ["b"] },
    d: { service: "s", payload, after: ["a", "b"] },
  };
  const plan = planBranches(define(steps), input, defaultLimits);
  assert.deepEqual(
    plan.map(({ branchId, after }) => [branchId, after]),
    [
      ["a/0", []],
      ["c/0", ["a/0"]],
      ["d/0", ["a/0"]],
    ],
  );
});

test("zero and null are payloads", () => {
  const plan = planBranches(
    define({ a: { service: "s", payload: () => 0 }, b: { service: "s", payload: () => null } }),
    input,
    defaultLimits,
  );
  assert.deepEqual(
    plan.map((branch) => branch.payload),
    [0, null],
  );
});

const nested = (levels: number): Json => (levels === 1 ? [] : [nested(levels - 1)]);

test("what no participant could read is never planned: too many branches, too large, without a name", () => {
  const many = (count: number) => (): { partition: string; payload: Json }[] =>
    Array.from({ length: count }, (_, index) => ({ partition: String(index), payload: 1 }));
  const plan = (step: Omit<StepDefinition<Trip>, "service">): unknown =>
    planBranches(define({ a: { service: "s", ...step } }), input, defaultLimits);
  assert.doesNotThrow(() => plan({ branches: many(64) }));
  assert.throws(() => plan({ branches: many(65) }), { rule: "limits" });
  assert.doesNotThrow(() => plan({ payload: () => "x".repeat(65_534) }));
  assert.throws(() => plan({ payload: () => "x".repeat(65_535) }), { rule: "limits" });
  assert.throws(() => plan({ payload: () => "ü".repeat(40_000) }), { rule: "limits" }, "bytes, not characters");
  assert.throws(() => plan({ payload: () => nested(defaultLimits.nestingMax + 1) }), { rule: "limits" });
  assert.doesNotThrow(() => plan({ payload: () => nested(defaultLimits.nestingMax) }));
  const wide = { ...input, hotel: "x".repeat(65_536) };
  assert.throws(() => planBranches(define({ a: { service: "s", payload: () => 1 } }), wide, defaultLimits), {
    rule: "limits",
  });
  assert.throws(() => plan({ branches: () => [{ partition: "", payload: 1 }] }), { rule: "limits" });
  assert.throws(() => plan({ branches: () => [{ partition: "p".repeat(257), payload: 1 }] }), { rule: "limits" });
});

test("an input that does not fit its schema is refused before any builder runs", () => {
  const steps = { a: { service: "s", payload: (): Json => assert.fail("built") } };
  assert.throws(() => planBranches(define(steps), { motel: 1 }, defaultLimits), { code: "invalid_input" });
});
