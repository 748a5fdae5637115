import { bindOperations } from "./bound-operations.ts";
import { recordTable } from "./stored-record.ts";
import type { LogSweep } from "../ports/index.ts";
import { defaultLimits, type TransactionRecord } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { logOperations } from "./log-operations.ts";
import { removableTable } from "./removable-index.ts";
import { timeKey } from "./time-key.ts";

const operations = bindOperations(logOperations, { limits: defaultLimits });
const { maxAgeMs } = defaultLimits;
const begunAt = 1_700_000_000_000;
const endedAt = begunAt + 9 * 3_600_000;

const ended: TransactionRecord = {
  txId: "order-1:life1:1",
  key: "order-1",
  definition: "checkout",
  definitionHash: 7,
  protocol: "2pc",
  state: "committed",
  epoch: begunAt,
  owner: "order/a.1",
  begunAt,
  deadlineAt: begunAt + 10_000,
  input: {},
  changedAt: endedAt,
};

/** Entries as an earlier version left them: due by the beginning of the transaction. */
function formerTables(): BatchTables {
  const tables = new BatchTables(new MemoryEngine());
  tables.put(recordTable, ended.txId, ended);
  tables.put(removableTable, timeKey(begunAt + 4 * maxAgeMs, ended.txId), null);
  return tables;
}

test("P7 an entry of an earlier version, due by the beginning, is moved to where the end puts it", () => {
  const tables = formerTables();
  const dueAt = endedAt + 4 * maxAgeMs;
  const sweptAt = (now: number): LogSweep => operations.sweepLog(tables, { limit: 10 }, { now });
  assert.deepEqual(sweptAt(endedAt + 5_000), { removable: [], more: false });
  assert.deepEqual(operations.readRecord(tables, { txId: ended.txId }, { now: 0 }), ended);
  assert.deepEqual(sweptAt(dueAt), { removable: [], more: false });
  assert.deepEqual(sweptAt(dueAt + 1), { removable: [{ dueAt, record: ended }], more: false });
});

test("an entry whose record has gone, or has come back undecided, is dropped", () => {
  const tables = formerTables();
  tables.put(recordTable, ended.txId, { ...ended, state: "active" });
  tables.put(removableTable, timeKey(begunAt, "order-2:life1:1"), null);
  const swept = operations.sweepLog(tables, { limit: 10 }, { now: endedAt + 5 * maxAgeMs });
  assert.deepEqual(swept, { removable: [], more: false });
  assert.equal(operations.readRecord(tables, { txId: ended.txId }, { now: 0 })?.state, "active");
  assert.deepEqual(tables.scan(removableTable, { limit: 10 }), []);
});
