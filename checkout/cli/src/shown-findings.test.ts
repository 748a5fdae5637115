import type { Finding } from "@assent/books";
import assert from "node:assert/strict";
import { test } from "node:test";
import { shownFindings } from "./shown-findings.ts";

const found = (rule: Finding["rule"], count: number): readonly Finding[] =>
  Array.from({ length: count }, (_, index) => ({ rule, account: `${index}`, text: `${rule} of ${index}` }));

test("the first ten findings of each kind are shown, and the others of that kind are counted", () => {
  const shown = shownFindings([...found("S7", 12), ...found("S2", 1), ...found("S3", 11)], "stock.db");
  const ten = (rule: string): readonly string[] => Array.from({ length: 10 }, (_, index) => `${rule} of ${index}`);
  assert.deepEqual(shown, [
    "S2 of 0",
    ...ten("S3"),
    "and 1 more like these in stock.db",
    ...ten("S7"),
    "and 2 more like these in stock.db",
  ]);
});

test("nothing is shown of a store without findings", () => {
  assert.deepEqual(shownFindings([], "stock.db"), []);
});
