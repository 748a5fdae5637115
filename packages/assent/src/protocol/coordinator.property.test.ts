// Coordinators and branches together, in random small worlds: S1, S6 and C1-C6 at every step, S5 and S7 at the end.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { branchSpec } from "./fixtures.test.ts";
import type { BranchSpec } from "./messages.ts";
import { type Coverage, SmallWorld, type WorldOptions } from "./small-world.test.ts";

const shapes: readonly (readonly BranchSpec[])[] = [
  [branchSpec("a"), branchSpec("b")],
  [branchSpec("a"), branchSpec("b", ["a"])],
  [branchSpec("a"), branchSpec("b"), branchSpec("c")],
  [branchSpec("a"), branchSpec("b", ["a"]), branchSpec("c", ["a"])],
  [branchSpec("a"), branchSpec("b", ["a"]), branchSpec("c", ["b"])],
];
const votes = (weight: number): fc.Arbitrary<WorldOptions["votes"]> => {
  const vote = fc.oneof(
    { weight, arbitrary: fc.constant("ok" as const) },
    { weight: 1, arbitrary: fc.constant("refused" as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  );
  return fc.tuple(vote, vote, vote);
};
const options: fc.Arbitrary<WorldOptions> = fc.record({
  protocol: fc.constantFrom("2pc", "saga"),
  specs: fc.constantFrom(...shapes),
  votes: votes(8),
  severity: fc.constantFrom(10, 30, 60, 90),
});
const choices = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.noBias(fc.nat()), { minLength: 0, maxLength, size: "max" });

function total(sums: Record<string, number>, coverage: Coverage): void {
  for (const [name, count] of Object.entries(coverage) as [string, number][]) sums[name] = (sums[name] ?? 0) + count;
}

test("S1, S5, S6, S7 with loss, doubles, reordering, crashes, takeovers and a log that loses its last write", () => {
  const sums: Record<string, number> = {};
  fc.assert(
    fc.property(options, choices(80), (world, disturbances) => {
      const small = new SmallWorld(world);
      for (const choice of disturbances) small.disturb(choice);
      small.settle();
      total(sums, small.coverage);
    }),
    { numRuns: 8_000 },
  );
  for (const [name, count] of Object.entries(sums)) assert.ok(count >= 10, `${name} happened ${count} times`);
});

test("S7 without any fault an undisturbed transaction commits if all agree and aborts if one refuses", () => {
  fc.assert(
    fc.property(options, (world) => {
      const small = new SmallWorld(world);
      small.settle();
      const used = world.votes.slice(0, world.specs.length);
      assert.equal(small.coverage.aborted, used.includes("refused") ? 1 : 0);
      assert.equal(small.coverage.committed, used.includes("refused") ? 0 : 1);
    }),
  );
});
