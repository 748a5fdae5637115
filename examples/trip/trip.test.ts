// The example runs, prints what the README says, and is what the README shows.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const example = fileURLToPath(new URL("./trip.ts", import.meta.url));
const [, shown, , printed] = readFileSync(new URL("../../packages/assent/README.md", import.meta.url), "utf8").split(
  /^```(?:ts)?\n/m,
);

test("the README shows the example as it is", () => {
  assert.equal(shown, readFileSync(example, "utf8"));
});

test("the example prints what the README says", () => {
  const output = execFileSync(process.execPath, [example], { encoding: "utf8" });
  assert.equal(output.replace(/ +$/gm, ""), printed);
});
