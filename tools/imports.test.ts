// Imports are found in every notation, and a circle is found once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { importCircles, importsOf } from "./imports.ts";

test("imports are read with their targets and names", () => {
  const text = [
    'import { type A, b as c } from "../other/x.ts";',
    'import type { D } from "@assent/protocol";',
    'export * from "./y.ts";',
    'import {\n  type E,\n  type F,\n} from "./z.ts";',
  ].join("\n");
  assert.deepEqual(
    importsOf("a/b/c.ts", text).map(({ target, names, isOfTypes }) => [target, names, isOfTypes]),
    [
      ["a/other/x.ts", ["A", "b"], false],
      ["@assent/protocol", ["D"], true],
      ["a/b/y.ts", [], false],
      ["a/b/z.ts", ["E", "F"], true],
    ],
  );
});

test("a circle of imports is found, and a circle of types alone does not count", () => {
  const chain = (names: readonly string[], isOfTypes = false) =>
    names
      .slice(1)
      .map((target, index) => ({ from: names[index] ?? "", specifier: target, target, names: [], isOfTypes }));
  assert.deepEqual(importCircles(chain(["a", "b", "c"])), []);
  assert.deepEqual(importCircles(chain(["a", "b", "c", "b"])), [["b", "c", "b"]]);
  assert.deepEqual(importCircles([...chain(["a", "b"]), ...chain(["b", "a"], true)]), []);
});
