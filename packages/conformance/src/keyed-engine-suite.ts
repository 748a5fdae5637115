// The suite of the engine under the keyed stores: ordered tables, changed by atomic batches.
import { type Json } from "assent/internal/protocol";
import { compareKeys, type KeyedEngine, type Writes } from "assent/internal/engine";
import assert from "node:assert/strict";
import type { EngineAdapter } from "./adapters.ts";
import { numbers } from "./numbers.ts";
import { type Case, type Open, register, type Suite } from "./suite.ts";

type Changes = Readonly<Record<string, Readonly<Record<string, Json | undefined>>>>;

export function writesOf(changes: Changes): Writes {
  return new Map(Object.entries(changes).map(([table, of]) => [table, new Map(Object.entries(of))]));
}

const all = { limit: 1_000_000 };
const keysOf = (rows: readonly (readonly [string, Json])[]): readonly string[] => rows.map(([key]) => key);

function assertTable(engine: KeyedEngine, table: string, expected: ReadonlyMap<string, Json>): void {
  const rows = [...expected].sort(([a], [b]) => compareKeys(a, b));
  assert.deepEqual(engine.scan(table, all), rows);
  const paged: (readonly [string, Json])[] = [];
  for (let after: string | undefined; ;) {
    const page = engine.scan(table, { ...(after !== undefined && { after }), limit: 4 });
    paged.push(...page);
    after = page.at(-1)?.[0];
    if (page.length < 4) break;
  }
  assert.deepEqual(paged, rows, "in pages");
  for (const [key, value] of rows) assert.deepEqual(engine.get(table, key), value);
}

/** One of a few keys that begin alike, some of them with characters beyond the basic plane. */
function randomKey(next: (bound: number) => number): string {
  return `key${["", "\ue000", "\u{10000}", "\uffff"][next(4)] ?? ""}${next(15)}`;
}

/** A random batch over a few keys, applied to the engine and to the model. */
function randomBatch(engine: KeyedEngine, model: Map<string, Json>, next: (bound: number) => number): void {
  const changes = new Map<string, Json | undefined>();
  for (let count = 1 + next(8); count > 0; count -= 1) {
    changes.set(randomKey(next), next(3) === 0 ? undefined : { value: next(1_000) });
  }
  engine.commit(new Map([["a", changes]]));
  for (const [key, value] of changes) {
    if (value === undefined) model.delete(key);
    else model.set(key, value);
  }
}

const oddKeys = [
  "",
  " ",
  "0",
  "00",
  "a'b",
  'a"b',
  "a;--",
  "a\u0000b",
  "__proto__",
  "constructor",
  "ä",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{1f600} a",
  "\u{10ffff}",
  "x".repeat(500),
];

const oddValues: readonly (readonly [name: string, value: Json])[] = [
  ["nothing", null],
  ["no", false],
  ["zero", 0],
  ["large", Number.MAX_SAFE_INTEGER],
  ["fraction", -0.1],
  ["empty", ""],
  ["text", "ä€𝄞\u0000\n\"'"],
  ["list", [1, [2, []], {}]],
  ["object", { b: 1, a: { c: null } }],
];

/** Tables that every batch of `crashCases` changes together. */
const togetherTables = ["a", "b", "c"] as const;

/** Puts a number everywhere, and one key of its own to one of the tables; deletes the key of three batches ago. */
function numberedBatch(number: number): Writes {
  const tables = togetherTables.map((table, index): [string, Map<string, Json | undefined>] => {
    const changes = new Map<string, Json | undefined>([["number", number]]);
    if (number % togetherTables.length === index) {
      changes.set(`key ${number}`, "x".repeat(number * 7));
      changes.set(`key ${number - togetherTables.length}`, undefined);
    }
    return [table, changes];
  });
  return new Map(tables);
}

/** Asserts that an engine holds the batches up to some number, each as a whole; answers that number. */
function wholeBatches(engine: KeyedEngine): number {
  const numbersSeen = togetherTables.map((table) => Number(engine.get(table, "number") ?? 0));
  const [number = 0] = numbersSeen;
  assert.deepEqual(new Set(numbersSeen), new Set([number]), "C4 a batch is there in one table and not in another");
  for (const [index, table] of togetherTables.entries()) {
    const newest = [number, number - 1, number - 2].find((each) => each % togetherTables.length === index) ?? 0;
    const expected = newest > 0 ? [`key ${newest}`, "number"] : number > 0 ? ["number"] : [];
    assert.deepEqual(keysOf(engine.scan(table, all)), expected, `table ${table} after batch ${number}`);
  }
  return number;
}

const crashCases: readonly Case<EngineAdapter>[] = [
  {
    name: "C3 a crash right after a commit loses nothing",
    run: async ({ engine, crashes }) => {
      if (engine.durability === "D0") return;
      for (let number = 1; number <= 3; number += 1) {
        engine.commit(numberedBatch(number));
        let last = 0;
        for (const crashed of crashes()) last = wholeBatches(crashed);
        assert.equal(last, number, "an acknowledged batch is lost");
      }
    },
  },
  {
    name: "C4 a crash inside a commit keeps each batch completely or not at all, in order",
    run: async ({ engine, crashes }) => {
      if (engine.durability === "D0") return;
      for (let number = 1; number <= 12; number += 1) engine.commit(numberedBatch(number));
      let before = 0;
      for (const crashed of crashes()) {
        const number = wholeBatches(crashed);
        assert.ok(number >= before, `batch ${before} was there already, now ${number}`);
        before = number;
      }
      assert.equal(before, 12);
    },
  },
  {
    name: "C3 work continues on the data after a crash, and closing and opening keep it",
    async run({ engine, crashes, reopen }) {
      if (engine.durability === "D0") return;
      engine.commit(numberedBatch(1));
      for (const crashed of crashes()) {
        const from = wholeBatches(crashed);
        for (let number = from + 1; number <= from + 4; number += 1) crashed.commit(numberedBatch(number));
        assert.equal(wholeBatches(crashed), from + 4);
      }
      assert.equal(wholeBatches(await reopen()), 1, "crashes are of copies");
    },
  },
  {
    name: "C3 keys and values of any kind survive closing and opening",
    async run({ engine, reopen }) {
      if (engine.durability === "D0") return;
      engine.commit(new Map([["keys", new Map(oddKeys.map((key, index) => [key, index]))]]));
      engine.commit(new Map([["values", new Map(oddValues)]]));
      const opened = await reopen();
      for (const [index, key] of oddKeys.entries()) assert.equal(opened.get("keys", key), index, JSON.stringify(key));
      assert.deepEqual(keysOf(opened.scan("keys", all)), oddKeys.toSorted(compareKeys));
      assert.deepEqual(keysOf(opened.scan("keys", { after: "a", limit: 1 })), ["a\u0000b"]);
      for (const [name, value] of oddValues) assert.deepEqual(opened.get("values", name), value, name);
    },
  },
];

const cases: readonly Case<EngineAdapter>[] = [
  {
    name: "a key that was never written is absent",
    run: async ({ engine }) => {
      assert.equal(engine.get("a", "x"), undefined);
      assert.deepEqual(engine.scan("a", all), []);
    },
  },
  {
    name: "every JSON value survives a round trip",
    async run({ engine }) {
      engine.commit(new Map([["a", new Map(oddValues)]]));
      for (const [key, value] of oddValues) assert.deepEqual(engine.get("a", key), value, key);
    },
  },
  {
    name: "keys are arbitrary strings",
    async run({ engine }) {
      engine.commit(new Map([["a", new Map(oddKeys.map((key, index) => [key, index]))]]));
      for (const [index, key] of oddKeys.entries()) assert.equal(engine.get("a", key), index, JSON.stringify(key));
      assert.deepEqual(keysOf(engine.scan("a", all)), oddKeys.toSorted(compareKeys));
      engine.commit(new Map([["a", new Map(oddKeys.map((key) => [key, undefined]))]]));
      assert.deepEqual(engine.scan("a", all), []);
    },
  },
  {
    name: "a scan is in ascending key order, whatever the order of writing",
    async run({ engine }) {
      for (const key of ["m", "b", "z", "a", "10", "9"]) engine.commit(writesOf({ a: { [key]: key } }));
      assert.deepEqual(keysOf(engine.scan("a", all)), ["10", "9", "a", "b", "m", "z"]);
      engine.commit(writesOf({ a: { c: 1, m: undefined } }));
      assert.deepEqual(keysOf(engine.scan("a", all)), ["10", "9", "a", "b", "c", "z"]);
    },
  },
  {
    name: "both bounds of a scan are exclusive, and it ends at its limit",
    async run({ engine }) {
      engine.commit(writesOf({ a: { a: 1, b: 2, c: 3, d: 4, e: 5 } }));
      const keys = (range: Partial<Parameters<KeyedEngine["scan"]>[1]>) =>
        keysOf(engine.scan("a", { ...all, ...range }));
      assert.deepEqual(keys({ after: "b" }), ["c", "d", "e"]);
      assert.deepEqual(keys({ after: "bb" }), ["c", "d", "e"]);
      assert.deepEqual(keys({ before: "c" }), ["a", "b"]);
      assert.deepEqual(keys({ after: "a", before: "d" }), ["b", "c"]);
      assert.deepEqual(keys({ after: "a", before: "e", limit: 2 }), ["b", "c"]);
      assert.deepEqual(keys({ limit: 1 }), ["a"]);
      assert.deepEqual(keys({ after: "e" }), []);
      assert.deepEqual(keys({ before: "a" }), []);
      assert.deepEqual(keys({ after: "c", before: "c" }), []);
    },
  },
  {
    name: "C4 a batch is written as a whole: puts, replacements and deletions of several tables",
    async run({ engine }) {
      engine.commit(writesOf({ a: { x: 1, y: 2 }, b: { x: 3 } }));
      engine.commit(writesOf({ a: { x: 10, y: undefined, z: 30 }, b: { x: undefined }, c: { new: true } }));
      assert.deepEqual(engine.scan("a", all), [
        ["x", 10],
        ["z", 30],
      ]);
      assert.deepEqual(engine.scan("b", all), []);
      assert.deepEqual(engine.scan("c", all), [["new", true]]);
      assert.equal(engine.get("a", "y"), undefined);
    },
  },
  {
    name: "tables are independent",
    async run({ engine }) {
      engine.commit(writesOf({ a: { x: 1 }, b: { x: 2 } }));
      engine.commit(writesOf({ a: { x: undefined } }));
      assert.equal(engine.get("b", "x"), 2);
      engine.commit(writesOf({ a: { nothing: undefined } }));
      assert.deepEqual(engine.scan("a", all), []);
    },
  },
  {
    name: "random batches give the same contents as a Map",
    async run({ engine }) {
      const next = numbers(7);
      const model = new Map<string, Json>();
      for (let batch = 0; batch < 120; batch += 1) {
        randomBatch(engine, model, next);
        if (batch % 20 === 0) assertTable(engine, "a", model);
      }
      assertTable(engine, "a", model);
    },
  },
  {
    name: "C3 committed data survives closing and opening",
    async run({ engine, reopen }) {
      if (engine.durability === "D0") return;
      const next = numbers(11);
      const model = new Map<string, Json>();
      let current = engine;
      for (let opened = 0; opened < 3; opened += 1) {
        for (let batch = 0; batch < 40; batch += 1) randomBatch(current, model, next);
        current.commit(writesOf({ b: { opened, [`only ${opened}`]: true } }));
        current = await reopen();
        assertTable(current, "a", model);
        for (let batch = 0; batch < 10; batch += 1) randomBatch(current, model, next);
        assertTable(current, "a", model);
        assert.equal(current.get("b", "opened"), opened);
        assert.equal(current.scan("b", all).length, opened + 2);
      }
    },
  },
];

export const keyedEngineCases: Suite<EngineAdapter> = { name: "KeyedEngine", cases: [...cases, ...crashCases] };

/** Registers the tests of an engine for an adapter. */
export function keyedEngineSuite(open: Open<EngineAdapter>): void {
  register(keyedEngineCases, open);
}
