// The definition of a table decides what may be done with it, before anything runs.
import { MemoryEngine } from "../memory/index.ts";
import { BatchTables } from "../engine/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { table, type Tables } from "./tables.ts";

const prices = table<{ readonly amount: number }>("prices", "records");
const names = table<string>("names", "ordered");
const dueAt = table("due_at", "index");

test("a table is its name and its kind, which a store keeps it by", () => {
  assert.deepEqual(prices, { name: "prices", kind: "records" });
  assert.deepEqual(dueAt, { name: "due_at", kind: "index" });
});

test("a row has the type of its table, and a table of records is not scanned", () => {
  const tables: Tables = new BatchTables(new MemoryEngine());
  tables.put(prices, "tea", { amount: 3 });
  tables.put(dueAt, "17:tea", null);
  assert.equal((tables.get(prices, "tea")?.amount ?? 0) + 1, 4);
  assert.deepEqual(tables.scan(dueAt, { limit: 9 }), [["17:tea", null]]);
  // @ts-expect-error -- a row of another type
  tables.put(names, "tea", 3);
  // @ts-expect-error -- an index keeps keys only
  tables.put(dueAt, "18:tea", "tea");
  // @ts-expect-error -- kept without an order
  tables.scan(prices, { limit: 9 });
});
