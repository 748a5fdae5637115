// Rows of earlier versions, which did not record the definition that owns the key.
import { bindOperations } from "./bound-operations.ts";
import { recordTable } from "./stored-record.ts";
import { rowTable } from "./row-operations.ts";
import type { BeginRequest } from "../ports/index.ts";
import { defaultLimits } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { logOperations } from "./log-operations.ts";

const operations = bindOperations(logOperations, { limits: defaultLimits });
const context = { now: 1_000_000 };

function request(definition: string): BeginRequest {
  const names = { key: "k", definition, definitionHash: 1, protocol: "2pc", owner: "a.1" } as const;
  return { ...names, begunAt: context.now, deadlineAt: context.now + 10_000, releaseWaitMs: 0 };
}

/** A store with one row as an earlier version left it after an attempt at "book". */
function earlierStore(outcome: "pending" | "committed" | "aborted"): BatchTables {
  const tables = new BatchTables(new MemoryEngine());
  const row = { key: "k", incarnation: "life1", attempt: 0, outcome: "none", fields: { units: 1 } } as const;
  tables.put(rowTable, "k", row);
  operations.begin(tables, request("book"), context);
  tables.put(rowTable, "k", { ...row, attempt: 1, outcome });
  return tables;
}

for (const outcome of ["pending", "committed", "aborted"] as const) {
  test(`S4 a row of an earlier version that is ${outcome} belongs to the definition of its latest record`, () => {
    const tables = earlierStore(outcome);
    const reused = { kind: "key_reused", definition: "book" };
    assert.deepEqual(operations.begin(tables, request("refund"), context), reused);
    assert.equal(operations.peek(tables, { key: "k" }, context)?.definition, "book");
    const { kind } = operations.begin(tables, request("book"), context);
    assert.equal(kind, outcome === "pending" ? "in_flight" : outcome === "committed" ? "committed" : "begun");
  });
}

test("S4 a row of an earlier version whose record has gone is claimed by the definition that begins next", () => {
  const tables = earlierStore("aborted");
  tables.delete(recordTable, "k:life1:1");
  assert.equal(operations.peek(tables, { key: "k" }, context)?.definition, undefined);
  assert.equal(operations.begin(tables, request("refund"), context).kind, "begun");
  assert.deepEqual(operations.begin(tables, request("book"), context), { kind: "key_reused", definition: "refund" });
});
