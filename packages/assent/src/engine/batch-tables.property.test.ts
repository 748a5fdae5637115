// The tables of a batch against a model: plain maps, copied whole wherever something may have to be taken back.
import { byBytes } from "@assent/conformance";
import { type ScanRange, table } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";

const tableNames = ["a", "b"] as const;
const keys = ["", "a", "aa", "b", "c", "c\u{10000}", "c\uffff", "c\ue000"];

const a = table<number>("a", "ordered");
const tableOf = (name: string) => table<Json>(name, "ordered");

type Access =
  | { readonly kind: "put"; readonly table: string; readonly key: string; readonly value: Json }
  | { readonly kind: "delete" | "get"; readonly table: string; readonly key: string }
  | { readonly kind: "scan"; readonly table: string; readonly range: ScanRange };

type Event =
  | { readonly kind: "step"; readonly accesses: readonly Access[]; readonly fails: boolean }
  | { readonly kind: "commit" | "drop" };

type Model = Map<string, Map<string, Json>>;

const anyTable = fc.constantFrom(...tableNames);
const key = fc.constantFrom(...keys);
const range: fc.Arbitrary<ScanRange> = fc.record(
  { after: key, before: key, limit: fc.integer({ min: 1, max: 6 }) },
  { requiredKeys: ["limit"] },
);

const access: fc.Arbitrary<Access> = fc.oneof(
  fc.record({ kind: fc.constant("put"), table: anyTable, key, value: fc.constantFrom<Json>(null, 1, "x", { n: 1 }) }),
  fc.record({ kind: fc.constantFrom("delete", "get"), table: anyTable, key }),
  fc.record({ kind: fc.constant("scan"), table: anyTable, range }),
);

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("step"),
      accesses: fc.array(access, { maxLength: 8 }),
      fails: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("commit", "drop") }) },
);

const copyOf = (model: Model): Model => new Map([...model].map(([name, rows]) => [name, new Map(rows)]));

function rowsOf(model: Model, name: string): Map<string, Json> {
  let rows = model.get(name);
  if (rows === undefined) {
    rows = new Map();
    model.set(name, rows);
  }
  return rows;
}

function scanOf(model: Model, name: string, { after, before, limit }: ScanRange): readonly (readonly [string, Json])[] {
  return [...rowsOf(model, name)]
    .filter(
      ([each]) =>
        (after === undefined || byBytes(each, after) > 0) && (before === undefined || byBytes(each, before) < 0),
    )
    .sort(([a], [b]) => byBytes(a, b))
    .slice(0, limit);
}

function perform(tables: BatchTables, model: Model, done: Access): void {
  switch (done.kind) {
    case "put":
      tables.put(tableOf(done.table), done.key, done.value);
      rowsOf(model, done.table).set(done.key, done.value);
      return;
    case "delete":
      tables.delete(tableOf(done.table), done.key);
      rowsOf(model, done.table).delete(done.key);
      return;
    case "get":
      assert.deepEqual(tables.get(tableOf(done.table), done.key), rowsOf(model, done.table).get(done.key));
      return;
    case "scan":
      assert.deepEqual(tables.scan(tableOf(done.table), done.range), scanOf(model, done.table, done.range));
  }
}

class StepFails extends Error {}

/** Runs a history against tables and model together. */
function run(events: readonly Event[]): void {
  const engine = new MemoryEngine();
  const tables = new BatchTables(engine);
  let committed: Model = new Map();
  let batch: Model = new Map();
  for (const each of events) {
    if (each.kind === "step") {
      const before = copyOf(batch);
      const step = (): void =>
        tables.step(() => {
          for (const one of each.accesses) perform(tables, batch, one);
          if (each.fails) throw new StepFails();
        });
      if (each.fails) {
        assert.throws(step, StepFails);
        batch = before;
      } else {
        step();
      }
    } else {
      if (each.kind === "commit") {
        engine.commit(tables.writes);
        committed = copyOf(batch);
      } else {
        batch = copyOf(committed);
      }
      tables.clear();
      assert.ok(tables.isEmpty);
    }
    for (const name of tableNames) {
      for (const limit of [1, 2, 100]) {
        assert.deepEqual(tables.scan(tableOf(name), { limit }), scanOf(batch, name, { limit }));
      }
      assert.deepEqual(engine.scan(name, { limit: 100 }), scanOf(committed, name, { limit: 100 }), "nothing leaks");
      for (const one of keys) assert.deepEqual(tables.get(tableOf(name), one), rowsOf(batch, name).get(one));
    }
  }
}

test("C4 steps of a batch see each other; a failed one, or a dropped batch, leaves nothing", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25 }), (events) => run(events)),
    { numRuns: 400 },
  );
});

test("C4 a step that wrote the same key twice, and one that was there before it, is undone to what was before", () => {
  const tables = new BatchTables(new MemoryEngine());
  tables.step(() => tables.put(a, "x", 1));
  const failing = (): void =>
    tables.step(() => {
      tables.put(a, "x", 2);
      tables.delete(a, "x");
      tables.put(a, "x", 3);
      tables.put(a, "y", 1);
      throw new StepFails();
    });
  assert.throws(failing, StepFails);
  assert.deepEqual(tables.scan(a, { limit: 9 }), [["x", 1]]);
  assert.deepEqual([...(tables.writes.get("a") ?? [])], [["x", 1]]);
});

test("an empty batch is empty after a step that was undone", () => {
  const tables = new BatchTables(new MemoryEngine());
  assert.throws(
    () =>
      tables.step(() => {
        tables.put(a, "x", 1);
        throw new StepFails();
      }),
    StepFails,
  );
  assert.ok(tables.isEmpty);
});
