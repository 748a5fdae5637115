import { byBytes } from "@assent/conformance";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareKeys } from "./key-order.ts";

/** Characters from both sides of each border that UTF-16 and UTF-8 draw differently. */
const character = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "\u0000",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10001}",
    "\u{1f600}",
    "\u{10ffff}",
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const key = fc.array(character, { maxLength: 6 }).map((characters) => characters.join(""));

test("keys are ordered by their UTF-8 bytes", () => {
  fc.assert(
    fc.property(key, key, key, (prefix, a, b) => {
      const [left, right] = [prefix + a, prefix + b];
      assert.equal(Math.sign(compareKeys(left, right)), Math.sign(byBytes(left, right)));
    }),
    { numRuns: 2_000 },
  );
});

test("a character beyond the basic plane comes after all of that plane", () => {
  assert.ok(compareKeys("\u{10000}", "\uffff") > 0);
  assert.deepEqual(["\uffff", "\u{10000}"].sort(), ["\u{10000}", "\uffff"], "JavaScript's own order differs");
});
