// R7: what the sweep of branches reads, and what becomes of the index of an earlier version.
import { bindOperations } from "./bound-operations.ts";
import { branchesDueTable, branchesRemovableTable, branchTable } from "./branch-index.ts";
import { type LongRunCost, longRunCosts, longRunOperations, TestClock } from "@assent/conformance";
import type { BranchHandler } from "../participant/index.ts";
import type { ScannedTable, ScanRange, Tables } from "../ports/index.ts";
import { type Command, defaultLimits, type Json, type Verb } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BatchTables } from "./batch-tables.ts";
import { branchOperations } from "./branch-operations.ts";
import { GroupCommitExecutor } from "./executor.ts";
import type { KeyedEngine, Writes } from "./keyed-engine.ts";
import { timeKey } from "./time-key.ts";

const { maxAgeMs, askAfterMs } = defaultLimits;
const begunAt = 1_000_000_000;
const key = "order-1:life1:1/stock/0";
const all = { limit: 100 };
const ok = (): { kind: "ok" } => ({ kind: "ok" });
const handler: BranchHandler<Tables> = { prepare: ok, execute: ok, reapply: ok, commit: ok, abort: ok, compensate: ok };
const operations = bindOperations(branchOperations, { handler, limits: defaultLimits });

class Branches {
  readonly tables = new BatchTables(new MemoryEngine());

  apply(...verbs: readonly Verb[]): void {
    for (const verb of verbs) {
      const base = { txId: "order-1:life1:1", branchId: "stock/0", protocol: "2pc", epoch: 1, begunAt } as const;
      const command: Command = { ...base, verb, payload: null, origin: "origin", deadlineAt: begunAt + 10_000 };
      operations.apply(this.tables, command, { now: begunAt + 5 });
    }
  }

  sweep(now: number): readonly string[] {
    return operations.sweepBranches(this.tables, all, { now }).questions.map(({ txId }) => txId);
  }

  keys(table: ScannedTable): readonly string[] {
    return this.tables.scan(table, all).map(([each]) => each);
  }

  get exists(): boolean {
    return this.tables.get(branchTable, key) !== undefined;
  }
}

test("R7 a record has one entry at any time: by when it asks, and once it is over by when it goes", () => {
  const branches = new Branches();
  const entries = (): readonly (readonly string[])[] => [
    branches.keys(branchesDueTable),
    branches.keys(branchesRemovableTable),
  ];
  branches.apply("prepare");
  assert.deepEqual(entries(), [[timeKey(begunAt + askAfterMs, key)], []]);
  const asked = begunAt + askAfterMs + 1;
  assert.equal(branches.sweep(asked).length, 1);
  assert.deepEqual(entries(), [[timeKey(asked + askAfterMs, key)], []], "it asks again later");
  branches.apply("commit");
  assert.deepEqual(entries(), [[timeKey(asked + askAfterMs, key)], []], "it still has to ask");
  branches.apply("forget");
  assert.deepEqual(entries(), [[], [timeKey(begunAt, key)]]);
  branches.sweep(begunAt + 2 * maxAgeMs);
  assert.ok(branches.exists);
  branches.sweep(begunAt + 2 * maxAgeMs + 1);
  assert.deepEqual(entries(), [[], []]);
  assert.ok(!branches.exists);
});

for (const [verbs, asks] of [
  [["prepare"], true],
  [["prepare", "commit"], true],
  [["prepare", "commit", "forget"], false],
  [["prepare", "abort"], false],
  [["abort"], false],
] as const) {
  test(`R7 after ${verbs.join(", ")}: an entry of an earlier version is put right, the record goes in time`, () => {
    const branches = new Branches();
    branches.apply(...verbs);
    for (const table of [branchesDueTable, branchesRemovableTable]) {
      for (const entry of branches.keys(table)) branches.tables.delete(table, entry);
    }
    const formerly = begunAt + 5 + askAfterMs;
    branches.tables.put(branchesDueTable, timeKey(formerly, key), null);
    assert.equal(branches.sweep(formerly + 1).length, asks ? 1 : 0);
    const after = asks ? [[timeKey(formerly + 1 + askAfterMs, key)], []] : [[], [timeKey(begunAt, key)]];
    assert.deepEqual([branches.keys(branchesDueTable), branches.keys(branchesRemovableTable)], after);
    branches.sweep(begunAt + 2 * maxAgeMs + 1);
    assert.equal(branches.exists, asks);
  });
}

test("R7 the lifetime in force counts, whatever it was when a record ended", () => {
  const branches = new Branches();
  branches.apply("prepare", "abort");
  const longer = bindOperations(branchOperations, { handler, limits: { ...defaultLimits, maxAgeMs: 3 * maxAgeMs } });
  longer.sweepBranches(branches.tables, all, { now: begunAt + 2 * maxAgeMs + 1 });
  assert.ok(branches.exists);
  longer.sweepBranches(branches.tables, all, { now: begunAt + 6 * maxAgeMs + 1 });
  assert.ok(!branches.exists);
});

/** Counts the rows that are read and the changes that are committed. */
class CountingEngine implements KeyedEngine {
  readonly durability = "D0";
  readonly spent = { reads: 0, writes: 0 };
  readonly #engine = new MemoryEngine();

  get(table: string, name: string): Json | undefined {
    this.spent.reads += 1;
    return this.#engine.get(table, name);
  }

  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    const rows = this.#engine.scan(table, range);
    this.spent.reads += rows.length;
    return rows;
  }

  commit(writes: Writes): void {
    for (const changes of writes.values()) this.spent.writes += changes.size;
    this.#engine.commit(writes);
  }

  close(): void {
    this.#engine.close();
  }
}

test("R7 a checkout reads and writes as many rows after days, and removing one costs a constant", async (context) => {
  const engine = new CountingEngine();
  const clock = new TestClock();
  const schedule = (callback: () => void): void => void turn().then(callback);
  const executor = new GroupCommitExecutor({ engine, operations: longRunOperations(), now: clock.now, schedule });
  const spent = (): LongRunCost => ({ ...engine.spent });
  const { young, steady, late } = await longRunCosts({ working: executor, sweeping: executor, clock, spent });
  context.diagnostic(JSON.stringify({ young, steady, late }));
  const more = (name: string): number => Math.round((steady[name] ?? 0) - (young[name] ?? 0));
  assert.deepEqual([young["reads"], young["writes"]], [8.075, 18.075]);
  assert.equal(more("writes"), 6, "branch, outcome and result are removed, each with its entry");
  assert.equal(more("reads"), 6, "an entry each; and of the outcome its record, and both again when it is removed");
  assert.deepEqual(late, steady);
});
