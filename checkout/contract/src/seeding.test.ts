// Seeding: an interrupted one reports its progress, and other requests wait only for the current step.
import {
  bindOperations,
  changesIn,
  EngineFull,
  type Executor,
  GroupCommitExecutor,
  type Writes,
} from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";
import { operation, table } from "assent/internal/ports";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "./problem.ts";
import { seedChunk, Seedings, seedingsAtOnceMax, seedingsWaitingMax } from "./seeding.ts";

const rows = table<number>("rows", "ordered");

const operations = {
  fill: operation("fill", (tables, { first, size }: { first: number; size: number }): null => {
    for (let row = first; row < first + size; row += 1) tables.put(rows, String(row), row);
    return null;
  }),
  count: operation("count", (tables): number => tables.scan(rows, { limit: Infinity }).length),
};

class Engine extends MemoryEngine {
  readonly sizes: number[] = [];
  /** Called at the commit with this number, counted from 0. */
  at: readonly [commit: number, what: () => void] = [Infinity, () => undefined];

  override commit(writes: Writes): void {
    if (this.sizes.length === this.at[0]) this.at[1]();
    super.commit(writes);
    this.sizes.push(changesIn(writes, rows).size);
  }
}

class Desk {
  readonly engine = new Engine();
  readonly store: Executor = new GroupCommitExecutor({
    engine: this.engine,
    operations: bindOperations(operations, {}),
    now: () => 0,
    schedule: setImmediate,
  });
  readonly seedings = new Seedings(this.store);

  seed(count: number, key?: string): Promise<void> {
    const once = key === undefined ? undefined : { key, fingerprint: 1 };
    return this.seedings.seed(once, {
      things: "users",
      count,
      call: (first, size) => ({ operation: operations.fill, input: { first, size } }),
    });
  }

  rows(): Promise<number> {
    return this.store.run(operations.count, undefined);
  }
}

const full = (): never => {
  throw new EngineFull(new Error("no room"));
};
const broken = (): never => {
  throw new Error("input/output error");
};

const failures: readonly (readonly [what: string, fail: () => void, code: string, says: RegExp])[] = [
  [
    "a store without room",
    full,
    "store_full",
    /^The first 4000 of 9000 users were seeded, the rest was not: the store is full/,
  ],
  [
    "a store that breaks",
    broken,
    "store_broken",
    /^The first 4000 of 9000 users were seeded, the state of the next 2000 is not known: the store failed/,
  ],
];

for (const [what, fail, code, says] of failures) {
  test(`an interrupted seeding reports its progress: ${what}`, async () => {
    const desk = new Desk();
    desk.engine.at = [2, fail];
    await assert.rejects(desk.seed(9_000), (error: Problem) => {
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /nothing was changed/);
      assert.match(error.message, /\. Repeat the request to seed all of them\.$/);
      return true;
    });
    assert.deepEqual(desk.engine.sizes, [seedChunk, seedChunk]);
  });
}

test("a stop in the middle ends after the step and reports its progress; nothing starts after it", async () => {
  const desk = new Desk();
  desk.engine.at = [1, () => desk.seedings.stop()];
  const stopped = {
    code: "service_unavailable",
    message: /^The first 4000 of 9000 users were seeded, the rest was not/,
  };
  await assert.rejects(desk.seed(9_000), stopped);
  assert.equal(await desk.rows(), 4_000);
  await assert.rejects(desk.seed(9_000), { message: /^None of 9000 users was seeded, .* the service is stopping/ });
  assert.equal(await desk.rows(), 4_000);
});

test("with a key a repeat continues where the first request ended, and reports it", async () => {
  const desk = new Desk();
  desk.engine.at = [2, full];
  await assert.rejects(desk.seed(9_000, "k"), {
    message: /Repeat the request with the same Idempotency-Key to continue/,
  });
  desk.engine.at = [Infinity, full];
  await desk.seed(9_000, "k");
  assert.equal(await desk.rows(), 9_000);
  assert.deepEqual(desk.engine.sizes, [2_000, 2_000, 2_000, 2_000, 1_000], "no chunk was seeded twice");
});

test("a failure of the first step is the store's own, which changed nothing", async () => {
  const desk = new Desk();
  desk.engine.at = [0, full];
  await assert.rejects(desk.seed(9_000), { name: "StoreFailure", changed: "nothing" });
  assert.equal(await desk.rows(), 0);
});

test("other requests wait for one step at most, however many rows are seeded", async () => {
  const desk = new Desk();
  const ended = { seeding: false };
  const seeding = desk.seed(20 * seedChunk).then(() => (ended.seeding = true));
  for (let asked = 0; asked < 8; asked += 1) {
    const before = desk.engine.sizes.length;
    await desk.rows();
    assert.equal(ended.seeding, false);
    assert.ok(desk.engine.sizes.length - before <= 1, `${desk.engine.sizes.length - before} commits passed`);
  }
  await seeding;
  assert.ok(Math.max(...desk.engine.sizes) <= seedChunk);
});

test("seedings take turns, and too many are refused before anything", async () => {
  const desk = new Desk();
  const taken = Array.from({ length: seedingsAtOnceMax + seedingsWaitingMax }, () => desk.seed(2 * seedChunk));
  await assert.rejects(desk.seed(1), { code: "overloaded", message: /was not started, nothing was changed/ });
  await Promise.all(taken);
  assert.deepEqual(new Set(desk.engine.sizes), new Set([seedChunk]), "no two in one commit");
  await desk.seed(1);
  assert.equal(await desk.rows(), 2 * seedChunk);
});
