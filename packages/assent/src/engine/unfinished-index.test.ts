// R7: what reading the index of unfinished records costs, and what becomes of the index of an earlier version.
import { bindOperations } from "./bound-operations.ts";
import { recordTable } from "./stored-record.ts";
import type { BeginRequest, ScannedTable, ScanRange, Table, Tables } from "../ports/index.ts";
import { defaultLimits, type TransactionRecord } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { logOperations } from "./log-operations.ts";
import { formerIndexTable, unfinishedKey, unfinishedTable } from "./unfinished-index.ts";

const operations = bindOperations(logOperations, { limits: defaultLimits });
const all = { limit: 100_000 };
const now = 1_000_000;

/** Tables that count the rows they read out. */
class CountingTables extends BatchTables {
  rows = 0;

  constructor() {
    super(new MemoryEngine());
  }

  override get<Row>(table: Table<Row>, key: string): Row | undefined {
    this.rows += 1;
    return super.get(table, key);
  }

  override scan<Row>(table: ScannedTable<Row>, range: ScanRange): readonly (readonly [string, Row])[] {
    const rows = super.scan(table, range);
    this.rows += rows.length;
    return rows;
  }
}

function begin(tables: Tables, key: string, change: Partial<BeginRequest> = {}): TransactionRecord {
  const result = operations.begin(
    tables,
    {
      key,
      create: { incarnation: "life1", fields: {} },
      definition: "checkout",
      definitionHash: 7,
      protocol: "2pc",
      owner: "order/a.1",
      begunAt: now,
      deadlineAt: now + 10_000,
      releaseWaitMs: 2_000,
      ...change,
    },
    { now },
  );
  assert.ok(result.kind === "begun");
  return result.record;
}

/** Puts records into the index as versions before this one had it: under their plain txIds. */
function indexedFormerly(tables: Tables, ...records: readonly TransactionRecord[]): void {
  for (const record of records) {
    tables.delete(unfinishedTable, unfinishedKey(record));
    tables.put(formerIndexTable, record.txId, null);
  }
}

test("R7 owners, and what is due, are read at a cost that ten thousand others do not change", () => {
  const tables = new CountingTables();
  const owners = ["order/a.1", "order/b.1", "order/c.1"];
  for (let index = 0; index < 10_000; index += 1) {
    begin(tables, `order-${index}`, { owner: owners[index % 3] ?? "", deadlineAt: now + 60_000 + index });
  }
  const due = begin(tables, "due", { owner: "order/b.1", deadlineAt: now - 1 });
  tables.rows = 0;
  assert.deepEqual(operations.owners(tables, { limit: 64 }, { now }), owners);
  assert.equal(tables.rows, owners.length, "one row for each owner");
  tables.rows = 0;
  assert.deepEqual(operations.unfinished(tables, { owner: "order/b.1", deadlineBefore: now, limit: 256 }, { now }), [
    due,
  ]);
  assert.equal(tables.rows, 2, "its key and the record");
});

test("R7 a record has one key in the index at any time, whatever is written to it", () => {
  const tables = new BatchTables(new MemoryEngine());
  const record = begin(tables, "order-1");
  const { txId, owner, epoch } = record;
  const keys = (): readonly string[] => tables.scan(unfinishedTable, all).map(([key]) => key);
  assert.deepEqual(keys(), [unfinishedKey(record)]);
  operations.park(tables, { txId, owner, epoch, note: { reason: "silent", since: now, attempts: 1 } }, { now });
  assert.deepEqual(keys(), [unfinishedKey(record)]);
  const taker = { owner: "order/b.1", epoch: epoch + 1 };
  operations.takeOver(tables, { txId, seen: { owner, epoch }, taker }, { now });
  assert.deepEqual(keys(), [unfinishedKey({ ...record, ...taker })]);
  operations.decide(tables, { txId, ...taker, decision: "commit" }, { now });
  assert.deepEqual(keys(), [unfinishedKey({ ...record, ...taker })]);
  operations.end(tables, { txId, ...taker }, { now });
  assert.deepEqual(keys(), []);
});

test("R7 the index of an earlier version is moved when owners are first read, without what has ended", () => {
  const tables = new BatchTables(new MemoryEngine());
  const [first, second, ended] = [begin(tables, "order-1"), begin(tables, "order-2"), begin(tables, "order-3")];
  operations.decide(tables, { ...ended, decision: "abort" }, { now });
  operations.end(tables, ended, { now });
  indexedFormerly(tables, first, second, ended);
  tables.put(formerIndexTable, "gone:life1:1", null);
  assert.deepEqual(operations.owners(tables, { limit: 64 }, { now }), ["order/a.1"]);
  assert.equal(tables.scan(unfinishedTable, all).length, 2);
  assert.deepEqual(operations.unfinished(tables, { owner: "order/a.1", limit: 10 }, { now }), [first, second]);
  assert.deepEqual(tables.scan(formerIndexTable, all), []);
});

test("R7 a record that was written before its key was moved is found all the same", () => {
  const tables = new BatchTables(new MemoryEngine());
  const record = begin(tables, "order-1");
  indexedFormerly(tables, record);
  const { txId, owner, epoch } = record;
  const taker = { owner: "order/b.1", epoch: epoch + 1 };
  operations.takeOver(tables, { txId, seen: { owner, epoch }, taker }, { now });
  assert.deepEqual(operations.owners(tables, { limit: 64 }, { now }), [taker.owner]);
  assert.equal(tables.scan(unfinishedTable, all).length, 1);
});

test("R7 a key that a process of an earlier version left where its record is not any more is put right", () => {
  const tables = new BatchTables(new MemoryEngine());
  const [moved, ended] = [begin(tables, "order-1"), begin(tables, "order-2")];
  const taken = { ...moved, owner: "order/b.1", epoch: moved.epoch + 1 };
  tables.put(recordTable, moved.txId, taken);
  tables.put(recordTable, ended.txId, { ...ended, state: "aborted" });
  assert.deepEqual(operations.unfinished(tables, { owner: moved.owner, limit: 10 }, { now }), []);
  assert.deepEqual(operations.owners(tables, { limit: 64 }, { now }), [taken.owner]);
  assert.deepEqual(operations.unfinished(tables, { owner: taken.owner, limit: 10 }, { now }), [taken]);
});
