// The public door stays small.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** As many names as someone can take in at once. */
const namesMax = 25;

test("the library exports few names, and no name of its internals", () => {
  const record = readFileSync(new URL("../public-types.txt", import.meta.url), "utf8");
  const [, count] = /^assent \((\d+)\):$/m.exec(record) ?? [];
  assert.ok(Number(count) > 0 && Number(count) <= namesMax, `${count} names`);
  assert.doesNotMatch(record, /^ {2}(Orchestrator|Participant|TransactionLog)$/m);
});
