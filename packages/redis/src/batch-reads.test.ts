import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchReads, type ScannedRow } from "./batch-reads.ts";
import { presentKey } from "./read-set.ts";

const row = (key: string): ScannedRow => ({ key, known: presentKey });

test("a range that was read answers a longer scan only if it was read to its end", () => {
  const reads = new BatchReads();
  reads.setRange({ table: "t", range: { after: "a", limit: 2 } }, [row("b"), row("c")]);
  assert.deepEqual(reads.range("t", { after: "a", limit: 1 }), [row("b")]);
  assert.deepEqual(reads.range("t", { after: "a", limit: 2 }), [row("b"), row("c")]);
  assert.equal(reads.range("t", { after: "a", limit: 3 }), undefined, "there may be more");
  reads.setRange({ table: "t", range: { limit: 3 } }, [row("b"), row("c")]);
  assert.deepEqual(reads.range("t", { limit: 9 }), [row("b"), row("c")], "the range is complete");
  assert.equal(reads.range("t", { after: "b", limit: 1 }), undefined, "another range");
  assert.equal(reads.range("t", { before: "c", limit: 1 }), undefined, "another range");
  assert.equal(reads.range("u", { limit: 1 }), undefined, "another table");
});
