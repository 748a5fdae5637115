import { bindOperations } from "./bound-operations.ts";
import { operation, table } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupCommitExecutor } from "./executor.ts";
import { EngineFull, type Writes } from "./keyed-engine.ts";
import { StoreFailure, stepsPerCommitMax } from "./step.ts";

const a = table<Json>("a", "records");
const sums = table<number>("a", "records");

const operations = {
  put: operation("put", (tables, { key, value }: { key: string; value: Json }): Json => {
    tables.put(a, key, value);
    return value;
  }),
  add: operation("add", (tables, { by }: { by: number }): number => {
    const sum = (tables.get(sums, "sum") ?? 0) + by;
    tables.put(a, "sum", sum);
    return sum;
  }),
  get: operation("get", (tables, { key }: { key: string }): Json => tables.get(a, key) ?? null),
  fail: operation("fail", (tables): null => {
    tables.put(a, "sum", -1);
    tables.put(a, "trace", "left by a failed step");
    throw new Error("asked to");
  }),
};

/** No store here has it. */
const missing = operation("missing", (_tables, _input: { key: string }) => null);
const time = operation("time", (_tables, _nothing: null, { now }) => now);

/** The engine in memory, which counts commits, and fails selected ones. */
class CountingEngine extends MemoryEngine {
  commits: Writes[] = [];
  failure: Error | undefined;

  override commit(writes: Writes): void {
    if (this.failure !== undefined) throw this.failure;
    this.commits.push(new Map([...writes].map(([table, changes]) => [table, new Map(changes)])));
    super.commit(writes);
  }
}

interface Bench {
  readonly engine: CountingEngine;
  readonly executor: GroupCommitExecutor;
  /** Commits what waits, once. */
  readonly flush: () => void;
  readonly scheduled: () => number;
  readonly reported: readonly StoreFailure[];
}

function bench(): Bench {
  const engine = new CountingEngine();
  const scheduled: (() => void)[] = [];
  const reported: StoreFailure[] = [];
  const executor = new GroupCommitExecutor({
    engine,
    operations: bindOperations(operations, {}),
    now: () => 1_000,
    schedule: (callback) => void scheduled.push(callback),
    onBroken: (error) => void reported.push(error),
  });
  return { engine, executor, flush: () => scheduled.shift()?.(), scheduled: () => scheduled.length, reported };
}

/** The result of each call so far. */
async function heard(calls: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const results: unknown[] = calls.map(() => "nothing yet");
  calls.forEach((call, index) => {
    call.then(
      (value: unknown) => {
        results[index] = value;
      },
      (error: unknown) => {
        results[index] = error instanceof StoreFailure ? `${error.code}, ${error.changed} changed` : error;
      },
    );
  });
  // Long enough for everything that is settled: each promise takes two turns of the microtask queue.
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  return results;
}

const nothing = "step_failed, nothing changed";
const full = "store_full, nothing changed";
const unknown = "store_broken, unknown changed";

test("C3 nobody hears of a step before the commit that covers it", async () => {
  const { engine, executor, flush } = bench();
  const calls = [executor.run(operations.add, { by: 1 }), executor.run(operations.get, { key: "sum" })];
  assert.deepEqual(await heard(calls), ["nothing yet", "nothing yet"]);
  assert.equal(engine.get("a", "sum"), undefined);
  flush();
  assert.equal(engine.get("a", "sum"), 1);
  assert.deepEqual(await heard(calls), [1, 1], "and a read of what was not durable waits with it");
});

test("C4 what is asked for together is one commit, in order", async () => {
  const { engine, executor, flush, scheduled } = bench();
  const calls = [1, 2, 3].map((by) => executor.run(operations.add, { by }));
  assert.equal(scheduled(), 1);
  flush();
  assert.deepEqual(await heard(calls), [1, 3, 6]);
  assert.deepEqual(engine.commits, [new Map([["a", new Map([["sum", 6]])]])]);
});

test("C4 a batch that only reads commits nothing", async () => {
  const { engine, executor, flush } = bench();
  const call = executor.run(operations.get, { key: "sum" });
  flush();
  assert.deepEqual(await heard([call]), [null]);
  assert.deepEqual(engine.commits, []);
});

test("C4 one failing step does not spoil its batch mates, and leaves nothing behind", async () => {
  const { engine, executor, flush } = bench();
  const calls = [
    executor.run(operations.add, { by: 1 }),
    executor.run(operations.fail, undefined),
    executor.run(operations.add, { by: 2 }),
    executor.run(missing, { key: "x" }),
    executor.run(operations.get, { key: "trace" }),
  ];
  flush();
  assert.deepEqual(await heard(calls), [1, nothing, 3, nothing, null]);
  assert.deepEqual(engine.commits, [new Map([["a", new Map([["sum", 3]])]])]);
});

test("C4 a batch of failures commits nothing", async () => {
  const { engine, executor, flush } = bench();
  const calls = [executor.run(operations.fail, undefined), executor.run(operations.fail, undefined)];
  flush();
  assert.deepEqual(await heard(calls), [nothing, nothing]);
  assert.deepEqual(engine.commits, []);
});

test("C3 a full engine refuses all that a batch writes; what only reads is answered from what is durable", async () => {
  const { engine, executor, flush, reported } = bench();
  const before = executor.run(operations.add, { by: 1 });
  flush();
  engine.failure = new EngineFull("no room");
  const calls = [
    executor.run(operations.get, { key: "other" }),
    executor.run(operations.add, { by: 5 }),
    executor.run(operations.get, { key: "sum" }),
    executor.run(operations.fail, undefined),
    executor.run(operations.put, { key: "other", value: 2 }),
    executor.run(operations.get, { key: "other" }),
  ];
  flush();
  assert.deepEqual(await heard([before, ...calls]), [1, null, full, 1, nothing, full, null]);
  engine.failure = undefined;
  const after = executor.run(operations.add, { by: 1 });
  flush();
  assert.deepEqual(await heard([after]), [2]);
  assert.deepEqual(reported, []);
});

test("C3 a full engine answers a repeated request, and refuses one whose first try it refused", async () => {
  const { engine, executor, flush } = bench();
  const once = (key: string): Promise<unknown> => executor.runOnce({ key, fingerprint: 1 }, operations.add, { by: 1 });
  const before = once("k");
  flush();
  engine.failure = new EngineFull("no room");
  const calls = [once("k"), once("new"), once("new")];
  flush();
  assert.deepEqual(await heard([before, ...calls]), [
    { kind: "done", result: 1, repeated: false },
    { kind: "done", result: 1, repeated: true },
    full,
    full,
  ]);
  engine.failure = undefined;
  const later = once("new");
  flush();
  assert.deepEqual(await heard([later]), [{ kind: "done", result: 2, repeated: false }]);
});

test("C2 C3 a broken engine rejects every waiting call as unknown, and is not used again", async () => {
  const { engine, executor, flush, reported } = bench();
  engine.failure = new Error("the disk is on fire");
  const calls: Promise<unknown>[] = Array.from({ length: stepsPerCommitMax + 2 }, (_, index) =>
    executor.run(operations.add, { by: index }),
  );
  calls.push(executor.run(operations.get, { key: "sum" }));
  flush();
  const results = await heard(calls);
  assert.deepEqual(new Set(results), new Set([unknown]), "those of the next batch too");
  assert.equal(reported.length, 1);
  assert.match(String(reported[0]), /the disk is on fire/);
  engine.failure = undefined;
  const late = [
    executor.run(operations.get, { key: "sum" }),
    executor.runOnce({ key: "k", fingerprint: 1 }, operations.add, { by: 1 }),
  ];
  flush();
  flush();
  assert.deepEqual(await heard(late), [unknown, unknown]);
  assert.deepEqual(engine.commits, []);
});

test("R6 a crowd is committed in parts, in order", async () => {
  const { engine, executor, flush, scheduled } = bench();
  const count = 2 * stepsPerCommitMax + 5;
  const calls = Array.from({ length: count }, () => executor.run(operations.add, { by: 1 }));
  flush();
  assert.equal(engine.get("a", "sum"), stepsPerCommitMax);
  const late = executor.run(operations.add, { by: 1 });
  assert.equal(scheduled(), 1);
  flush();
  flush();
  assert.deepEqual(await heard([...calls.slice(-1), late]), [count, count + 1]);
  assert.equal(engine.commits.length, 3);
  assert.equal(scheduled(), 0);
});

test("C3 a step sees the store's time of its own commit", async () => {
  let now = 1;
  let flush = (): void => undefined;
  const executor = new GroupCommitExecutor({
    engine: new MemoryEngine(),
    operations: bindOperations({ time }, {}),
    now: () => now,
    schedule: (callback) => {
      flush = callback;
    },
  });
  const call = executor.run(time, null);
  now = 2;
  flush();
  assert.deepEqual(await heard([call]), [2]);
});
