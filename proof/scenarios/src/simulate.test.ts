// Tests of the simulator: runs are reproducible, every mutant fits the sources, and mutants are caught.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { patched } from "./mutants/apply-mutant.ts";
import { simulatedMutants } from "./mutants/simulated-mutants.ts";
import { runSeeds } from "./seed-pool.ts";
import type { SeedResult } from "./seed-thread.ts";
import { simulate } from "./simulate.ts";

const root = new URL("../../../", import.meta.url);
/**
 * Different seeds in each run; every tenth also has a lifetime world. Long runs use `npm run proof -- sim`, recorded in
 * docs/reference/simulator-record.md.
 */
const seeds = 60;
const threads = 2;

test("fresh seeds keep every rule", async (context) => {
  const firstSeed = randomInt(2 ** 31);
  context.diagnostic(`seeds ${firstSeed} to ${firstSeed + seeds - 1}; to run one: npm run proof -- sim --seed N`);
  const failed: string[] = [];
  const sum = { transactions: 0, faults: 0 };
  await runSeeds({
    threads,
    firstSeed,
    count: seeds,
    onResult({ seed, violations, transactions, faults }: SeedResult) {
      sum.transactions += transactions;
      sum.faults += faults;
      failed.push(...violations.map(({ rule, text }) => `seed ${seed}: ${rule} ${text}`));
      return false;
    },
  });
  assert.deepEqual(failed, []);
  assert.ok(
    sum.transactions > 10 * seeds && sum.faults > 10 * seeds,
    `too few transactions or faults: ${JSON.stringify(sum)}`,
  );
});

test("the same seed gives the same run, byte for byte", async () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const [first, second] = [await simulate({ seed, keepTrace: true }), await simulate({ seed, keepTrace: true })];
    assert.deepEqual(second.trace, first.trace, `seed ${seed}`);
    assert.equal((await simulate({ seed })).traceHash, first.traceHash, "with or without a kept trace");
  }
});

test("every mutant has a unique id, and each of its guards occurs exactly once", () => {
  assert.ok(simulatedMutants.length >= 40);
  assert.equal(new Set(simulatedMutants.map(({ id }) => id)).size, simulatedMutants.length);
  for (const { edits } of simulatedMutants) {
    for (const edit of edits) patched(edit, readFileSync(new URL(edit.file, root), "utf8"));
  }
  const [edit] = simulatedMutants[0]?.edits ?? [];
  assert.ok(edit !== undefined);
  assert.throws(() => patched(edit, "no such guard"), { code: "patch_does_not_fit" });
  assert.throws(() => patched(edit, edit.guard + edit.guard), { code: "patch_does_not_fit" });
});

const soonCaught = [
  "commit-on-some-votes",
  "row-not-paid",
  "reported-before-durable",
  "silence-is-success",
  "branch-never-due",
];

for (const { id, world } of simulatedMutants.filter((mutant) => soonCaught.includes(mutant.id))) {
  test(`the mutant ${id} is caught`, async () => {
    let isCaught = false;
    await runSeeds({
      threads: 1,
      firstSeed: 1,
      count: 40,
      mutant: id,
      ...(world !== undefined && { world }),
      onResult: ({ violations }) => (isCaught = violations.length > 0),
    });
    assert.ok(isCaught);
  });
}
