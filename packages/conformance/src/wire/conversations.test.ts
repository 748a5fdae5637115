import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { conversations } from "./conversations.ts";
import { conversationsFile, conversationsText } from "./conversations-file.ts";

test("the file of conversations is what the machine answers today: run `npm run wire` after a change", () => {
  assert.equal(readFileSync(conversationsFile, "utf8"), conversationsText());
});

test("the conversations hold every kind of answer that such a participant can give", () => {
  const kinds = new Set(conversations().conversations.flatMap(({ answers }) => answers.map(({ kind }) => kind)));
  const all = ["conflict", "done", "expired", "fenced", "forgotten", "hazard", "mismatch", "refused", "unknown"];
  assert.deepEqual([...kinds].toSorted(), all);
});
