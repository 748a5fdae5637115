// The example runs, prints the output shown in the README, and is identical to the README's code.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const example = fileURLToPath(new URL("./trip.ts", import.meta.url));
const [, shown, , printed] = readFileSync(new URL("../../packages/assent/README.md", import.meta.url), "utf8").split(
  /^```(?:ts)?\n/m,
);

test("the README shows the example unchanged", () => {
  assert.equal(shown, readFileSync(example, "utf8"));
});

test("the page on testing shows tests of the example unchanged, the first in at most 15 lines", () => {
  const page = readFileSync(new URL("../../docs/how-to/test-a-transaction.md", import.meta.url), "utf8");
  const tests = readFileSync(new URL("./trip.world.test.ts", import.meta.url), "utf8");
  const samples = [...page.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, sample = ""]) => sample);
  assert.equal(samples.length, 4);
  for (const sample of samples) assert.ok(tests.includes(sample), sample);
  assert.ok((samples[0] ?? "").trimEnd().split("\n").length <= 15);
});

test("the example prints the output in the README", () => {
  const output = execFileSync(process.execPath, [example], { encoding: "utf8" });
  assert.equal(output.replace(/ +$/gm, ""), printed);
});
