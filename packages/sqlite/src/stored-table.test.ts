import type { Json } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Entry } from "./memtable.ts";
import { StoredTable } from "./stored-table.ts";

test("rows that are written many at once, some of one value and some removed, are read as they were", () => {
  const table = StoredTable.create(new DatabaseSync(":memory:"), "t");
  const shared = { amount: 1 };
  const keyOf = (index: number): string => String(index).padStart(3, "0");
  const valueOf = (index: number): Json => (index % 3 === 0 ? shared : { amount: index });
  const entries = Array.from({ length: 100 }, (_, index): Entry => ["t", keyOf(index), valueOf(index)]);
  table.write(entries);
  table.write(entries.map((entry, index): Entry => (index % 7 === 0 ? [entry[0], entry[1]] : entry)));
  const left = entries.filter((_, index) => index % 7 !== 0);
  assert.deepEqual(table.page("", undefined, 1_000), left);
  assert.deepEqual(table.page("005", "009", 2), left.filter(([, key]) => key >= "005").slice(0, 2));
  for (const [index, [, key, value]] of entries.entries()) {
    assert.deepEqual(table.get(key), index % 7 === 0 ? undefined : value, key);
  }
});
