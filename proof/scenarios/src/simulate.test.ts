// The simulator on itself: the same seed is the same run, every patch fits, and a planted bug is caught.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { patched } from "./planted/plant.ts";
import { plantedBugs } from "./planted/planted-bugs.ts";
import { runSeeds } from "./seed-pool.ts";
import type { SeedResult } from "./seed-thread.ts";
import { simulate } from "./simulate.ts";

const root = new URL("../../../", import.meta.url);
/**
 * Others in each run; every tenth has a world of lifetimes, too. Long runs are `npm run proof -- sim`, recorded in
 * docs/reference/simulator-record.md.
 */
const seeds = 60;
const threads = 2;

test("fresh seeds hold every rule", async (context) => {
  const firstSeed = randomInt(2 ** 31);
  context.diagnostic(`seeds ${firstSeed} to ${firstSeed + seeds - 1}; one alone: npm run proof -- sim --seed N`);
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
  assert.ok(sum.transactions > 10 * seeds && sum.faults > 10 * seeds, `it is a storm: ${JSON.stringify(sum)}`);
});

test("the same seed is the same run, byte for byte", async () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const [first, second] = [await simulate({ seed, keepTrace: true }), await simulate({ seed, keepTrace: true })];
    assert.deepEqual(second.trace, first.trace, `seed ${seed}`);
    assert.equal((await simulate({ seed })).traceHash, first.traceHash, "whether the trace is kept or not");
  }
});

test("every planted bug has a name of its own, and each of its guards occurs exactly once", () => {
  assert.ok(plantedBugs.length >= 40);
  assert.equal(new Set(plantedBugs.map(({ id }) => id)).size, plantedBugs.length);
  for (const { edits } of plantedBugs) {
    for (const edit of edits) patched(edit, readFileSync(new URL(edit.file, root), "utf8"));
  }
  const [edit] = plantedBugs[0]?.edits ?? [];
  assert.ok(edit !== undefined);
  assert.throws(() => patched(edit, "nothing of the kind"), { code: "patch_does_not_fit" });
  assert.throws(() => patched(edit, edit.guard + edit.guard), { code: "patch_does_not_fit" });
});

const soonCaught = [
  "commit-on-some-votes",
  "row-not-paid",
  "told-before-durable",
  "silence-is-success",
  "branch-never-due",
];

for (const { id, world } of plantedBugs.filter((bug) => soonCaught.includes(bug.id))) {
  test(`the planted bug ${id} is caught`, async () => {
    let isCaught = false;
    await runSeeds({
      threads: 1,
      firstSeed: 1,
      count: 40,
      planted: id,
      ...(world !== undefined && { world }),
      onResult: ({ violations }) => (isCaught = violations.length > 0),
    });
    assert.ok(isCaught);
  });
}
