import { bindOperations } from "./bound-operations.ts";
import { operation, type ScannedTable, table, type Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { GroupCommitExecutor } from "./executor.ts";
import { findOnce, onceDueTable, onceKeptMs, onceOperations, type OnceRecord, onceTable, runOnce } from "./once.ts";
import { StoreFailure } from "./step.ts";

const charges = table<number>("charges", "records");
const sums = table<number>("sums", "records");
const begin = 1_000_000;
const once = { key: "key-1", fingerprint: 7 };

function newTables(): BatchTables {
  return new BatchTables(new MemoryEngine());
}

/** Work that counts how often it was done. */
function counting(result: Json): { readonly work: () => Json; readonly times: () => number } {
  let times = 0;
  return { work: () => ((times += 1), result), times: () => times };
}

const onceScanned = table<OnceRecord>(onceTable.name, "ordered");
const sizeOf = (tables: Tables, due: ScannedTable): number => tables.scan(due, { limit: 1_000 }).length;

test("S4 a repeat gets the stored result and does nothing", () => {
  const tables = newTables();
  for (const [index, result] of [{ charged: 5 }, null, 0, "", []].entries()) {
    const { work, times } = counting(result);
    const key = { key: `key-${index}`, fingerprint: 7 };
    assert.deepEqual(runOnce({ tables, once: key, now: begin }, work), { kind: "done", result, repeated: false });
    for (let again = 0; again < 3; again += 1) {
      const repeat = runOnce({ tables, once: key, now: begin + 9 }, work);
      assert.deepEqual(repeat, { kind: "done", result, repeated: true }, JSON.stringify(result));
    }
    assert.equal(times(), 1);
  }
});

test("S4 the same key with another request is a mismatch and does nothing", () => {
  const tables = newTables();
  const { work, times } = counting(1);
  runOnce({ tables, once, now: begin }, work);
  assert.deepEqual(runOnce({ tables, once: { ...once, fingerprint: 8 }, now: begin }, work), { kind: "mismatch" });
  assert.deepEqual(runOnce({ tables, once, now: begin }, work), { kind: "done", result: 1, repeated: true });
  assert.equal(times(), 1);
});

test("S4 the result of one key is not the result of another", () => {
  const tables = newTables();
  runOnce({ tables, once, now: begin }, () => 1);
  const other = runOnce({ tables, once: { ...once, key: "key-2" }, now: begin }, () => 2);
  assert.deepEqual(other, { kind: "done", result: 2, repeated: false });
});

test("C4 work that fails leaves neither result nor effect, and may be tried again", async () => {
  const engine = new MemoryEngine();
  let isFailing = true;
  const charge = operation("charge", (tables, { amount }: { amount: number }): number => {
    tables.put(charges, "one", amount);
    if (isFailing) throw new Error("asked to");
    return amount;
  });
  const operations = bindOperations({ ...onceOperations, charge }, {});
  const executor = new GroupCommitExecutor({ engine, operations, now: () => begin, schedule: queueMicrotask });
  await assert.rejects(executor.runOnce(once, charge, { amount: 5 }), StoreFailure);
  assert.equal(engine.get("charges", "one"), undefined);
  assert.equal(await executor.run(onceOperations.findOnce, once), null);
  isFailing = false;
  const done = await executor.runOnce(once, charge, { amount: 5 });
  assert.deepEqual(done, { kind: "done", result: 5, repeated: false });
  assert.equal(engine.get("charges", "one"), 5);
});

test("S4 repeats of one batch get the result of the first", async () => {
  const add = operation("add", (tables, { by }: { by: number }): number => {
    const sum = (tables.get(sums, "one") ?? 0) + by;
    tables.put(sums, "one", sum);
    return sum;
  });
  const executor = new GroupCommitExecutor({
    engine: new MemoryEngine(),
    operations: bindOperations({ add }, {}),
    now: () => begin,
    schedule: queueMicrotask,
  });
  const results = await Promise.all([1, 2, 3].map(() => executor.runOnce(once, add, { by: 2 })));
  assert.deepEqual(results, [
    { kind: "done", result: 2, repeated: false },
    { kind: "done", result: 2, repeated: true },
    { kind: "done", result: 2, repeated: true },
  ]);
});

test("findOnce answers what is stored, and nothing for a key that was not used", () => {
  const tables = newTables();
  assert.equal(findOnce(tables, once), undefined);
  runOnce({ tables, once, now: begin }, () => 1);
  assert.deepEqual(findOnce(tables, once), { kind: "done", result: 1, repeated: true });
  assert.deepEqual(findOnce(tables, { ...once, fingerprint: 8 }), { kind: "mismatch" });
});

test("R7 a result is kept for a day, then removed with its place in the index, no more at once than asked for", () => {
  const tables = newTables();
  const keys = ["a", "b", "c"];
  for (const [index, key] of keys.entries()) {
    runOnce({ tables, once: { key, fingerprint: 1 }, now: begin + index }, () => key);
  }
  const sweep = (now: number, limit: number): number => onceOperations.sweepOnce.step(tables, { limit }, { now });
  assert.equal(sweep(begin + onceKeptMs - 1, 10), 0);
  assert.equal(sizeOf(tables, onceScanned), 3);
  assert.equal(sweep(begin + onceKeptMs + 10, 2), 2);
  assert.equal(findOnce(tables, { key: "a", fingerprint: 1 }), undefined, "the oldest went first");
  assert.notEqual(findOnce(tables, { key: "c", fingerprint: 1 }), undefined);
  assert.equal(sweep(begin + onceKeptMs + 10, 2), 1);
  assert.equal(sizeOf(tables, onceScanned) + sizeOf(tables, onceDueTable), 0);
});
