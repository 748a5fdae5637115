// docs/reference/side-by-side.md stays true: what it says of the programs is counted here. What they do is run by hand.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linesOf } from "./installation.ts";
import { programs } from "./peers.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/side-by-side.md"), "utf8");

/** The cells of a row of the first table, without emphasis. */
function cellsOf(row: string): readonly string[] {
  const line = page.split("\n").find((each) => each.startsWith(`| ${row}`)) ?? "";
  return line.replaceAll("*", "").split(" | ").slice(1);
}

const peers = ["assent", "dbos", "restate"];

test("the page counts the lines of the programs as they are", () => {
  const written = cellsOf("lines of the program").map((cell) => Number.parseInt(cell, 10));
  assert.deepEqual(
    written,
    peers.map((name) => linesOf(join(programs, name))),
  );
});

test("the page names the versions that the programs install", () => {
  const cells = cellsOf("versions that were run");
  for (const [index, name] of peers.entries()) {
    const manifest = readFileSync(join(programs, name, "package.json"), "utf8");
    for (const [, dependency = "", version = ""] of manifest.matchAll(/"@(?:dbos-inc|restatedev)\/(.+)": "(.+)"/g)) {
      assert.ok(cells[index]?.includes(dependency) && cells[index].includes(version), `${dependency} ${version}`);
    }
  }
});
