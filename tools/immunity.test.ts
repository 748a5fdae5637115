// docs/reference/immunity.md cites tests by file and name: both must be there, so that the page cannot rot.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./source-tree.ts";

const page = readFileSync(join(root, "docs/reference/immunity.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\| D\d+ /.test(line));

test("every fault has a row, once", () => {
  const ids = rows.map((row) => Number(/^\| D(\d+) /.exec(row)?.[1]));
  assert.deepEqual(
    ids,
    Array.from({ length: 57 }, (_, index) => index + 1),
  );
});

test("every settled fault cites tests that exist", () => {
  const missing: string[] = [];
  for (const row of rows.filter((line) => line.includes("| settled |"))) {
    const proof = row.split(" | ").at(-1)?.replace(/ \|$/, "") ?? "";
    const cited = [...proof.matchAll(/\]\(\.\.\/\.\.\/([^)]+)\): (.+?)(?=; \[|$)/g)];
    if (cited.length === 0) missing.push(`no proof in: ${row}`);
    for (const [, path = "", name = ""] of cited) {
      if (!readFileSync(join(root, path), "utf8").includes(name)) missing.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});
