// A key: which definition owns it, and what the log knows about it. The definition that first began an attempt owns it.
import { unfinishedRecords } from "assent/internal/coordinator";
import { type BeginResult } from "assent/internal/ports";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  beginRequest,
  begun,
  decided,
  decision,
  finished,
  lostRecord,
  orderBegun,
  orderFields,
  orderKey,
  putOrder,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";
import type { TestClock } from "./test-clock.ts";

const create = { incarnation: "life7", fields: orderFields };
const refund = { definition: "refund", definitionHash: 8 };
const reused = { kind: "key_reused", definition: "checkout" };

/** Another definition is refused, with the same content, other content or under a condition, and nothing moves. */
async function assertRefusesAnother({ log, rows }: LogAdapter, clock: TestClock, when: string): Promise<void> {
  const row = await rows.readRow(orderKey);
  const open = await unfinishedRecords(log, 10);
  const change = { expect: [{ field: "units", atLeast: 1_000 }] };
  const beginnings = [{ create }, {}, { create: { ...create, incarnation: "life8" } }, { create, change }];
  for (const more of beginnings) {
    assert.deepEqual(await log.begin(beginRequest(clock, { ...refund, ...more })), reused, when);
  }
  assert.deepEqual(await rows.readRow(orderKey), row, `${when}: the row is as it was`);
  assert.deepEqual(await unfinishedRecords(log, 10), open, `${when}: nothing is opened`);
}

export const keyCases: readonly Case<LogAdapter>[] = [
  {
    name: "S4 a key belongs to the definition that began it, whatever its outcome",
    async run(adapter, clock) {
      const first = await begun(adapter, clock, { create });
      await assertRefusesAnother(adapter, clock, "while pending");
      const aborting = await decided(adapter, decision(first, "abort"));
      await assertRefusesAnother(adapter, clock, "while it releases");
      await adapter.log.end(aborting);
      await assertRefusesAnother(adapter, clock, "after an abort");
      await adapter.rows.changeRow(orderKey, { set: { units: 3 } });
      await assertRefusesAnother(adapter, clock, "after a change of the row");
      const second = await begun(adapter, clock, { create });
      await finished(adapter, second, "commit");
      await assertRefusesAnother(adapter, clock, "after a commit");
    },
  },
  {
    name: "S4 a row that was put has no definition until an attempt begins, and neither has its next incarnation",
    async run(adapter, clock) {
      await putOrder(adapter);
      const unmet = { expect: [{ field: "units", atLeast: 1_000 }] };
      assert.equal((await adapter.log.begin(beginRequest(clock, { ...refund, change: unmet }))).kind, "unmet");
      await finished(adapter, await begun(adapter, clock), "commit");
      await assertRefusesAnother(adapter, clock, "after a commit");
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      assert.equal((await begun(adapter, clock, refund)).definition, "refund");
    },
  },
  {
    name: "S4 of concurrent begins of two definitions one owns the key",
    async run(adapter, clock) {
      const requests = [refund, {}, refund, {}].map((more) => beginRequest(clock, { create, ...more }));
      const results: readonly BeginResult[] = await Promise.all(requests.map((request) => adapter.log.begin(request)));
      const begins = results.flatMap((result) => (result.kind === "begun" ? [result.record.definition] : []));
      assert.equal(begins.length, 1);
      const [definition = ""] = begins;
      const others = requests.filter((request) => request.definition !== definition).length;
      assert.equal(results.filter(({ kind }) => kind === "key_reused").length, others);
      assert.equal((await adapter.rows.readRow(orderKey))?.definition, definition);
    },
  },
  {
    name: "R5, S4 a lost attempt is not rebuilt if the key belongs to another definition",
    async run(adapter, clock) {
      const lost = lostRecord(clock, { ...refund, txId: `${orderKey}:life1:2` });
      const assertStaysLost = async (when: string): Promise<void> => {
        const row = await adapter.rows.readRow(orderKey);
        assert.equal(await adapter.log.rebuild(lost), undefined, when);
        assert.equal(await adapter.log.read(lost.txId), undefined, when);
        assert.deepEqual(await adapter.rows.readRow(orderKey), row, when);
      };
      const first = await orderBegun(adapter, clock);
      await assertStaysLost("while pending");
      await finished(adapter, first, "abort");
      await assertStaysLost("after an abort");
      await finished(adapter, await begun(adapter, clock), "commit");
      assert.equal((await adapter.log.rebuild(lost))?.definition, "checkout", "its name is taken");
    },
  },
  {
    name: "R5, S4 a rebuilt record claims a key without a definition, and one whose row was lost",
    async run(adapter, clock) {
      await adapter.log.rebuild(lostRecord(clock));
      await assertRefusesAnother(adapter, clock, "the row was lost, too");
      await adapter.rows.putRow(orderKey, "life1", orderFields);
      await adapter.log.rebuild(lostRecord(clock, { txId: `${orderKey}:life1:2` }));
      await assertRefusesAnother(adapter, clock, "the row had no attempt");
    },
  },
  {
    name: "names that are not well-formed are refused by every write and every read, and nothing is changed",
    async run({ log, rows }, clock) {
      // In UTF-8 both would be the same key: that of a replacement character.
      const halves = ["k\ud800", "k\ud801"];
      await rows.putRow("k\ufffd", "life1", orderFields);
      for (const key of halves) {
        await assert.rejects(log.begin(beginRequest(clock, { key, create })), JSON.stringify(key));
        await assert.rejects(log.peek(key), JSON.stringify(key));
        await assert.rejects(log.read(`${key}:life1:1`), JSON.stringify(key));
        await assert.rejects(log.rebuild(lostRecord(clock, { key, txId: `${key}:life1:1` })), JSON.stringify(key));
        await assert.rejects(rows.putRow(key, "life2", {}), JSON.stringify(key));
        await assert.rejects(rows.readRow(key), JSON.stringify(key));
        await assert.rejects(rows.changeRow(key, { set: { a: 1 } }), JSON.stringify(key));
      }
      const row = await rows.readRow("k\ufffd");
      assert.deepEqual([row?.incarnation, row?.attempt, row?.fields], ["life1", 0, orderFields]);
      assert.deepEqual(await unfinishedRecords(log, 10), []);
    },
  },
  {
    name: "S4 keys beyond the basic plane are keys like any other",
    async run(adapter, clock) {
      const keys = ["k😀", "k😁", "k\uffff", "k\u{10ffff}"];
      for (const key of keys) await begun(adapter, clock, { key, create });
      for (const key of keys) assert.equal((await adapter.log.peek(key))?.key, key);
      assert.equal((await unfinishedRecords(adapter.log, 10)).length, keys.length);
    },
  },
  {
    name: "S4 peek shows the outcome of a key, and begins nothing",
    async run(adapter, clock) {
      const { log, rows } = adapter;
      assert.equal(await log.peek(orderKey), undefined);
      await putOrder(adapter);
      const seen = async (): Promise<readonly unknown[]> => {
        const row = await log.peek(orderKey);
        assert.deepEqual(row, await rows.readRow(orderKey));
        return [row?.attempt, row?.outcome, row?.definition, row?.reason];
      };
      assert.deepEqual(await seen(), [0, "none", undefined, undefined]);
      const first = await begun(adapter, clock);
      assert.deepEqual(await seen(), [1, "pending", "checkout", undefined]);
      const aborting = await decided(adapter, decision(first, "abort", { reason: "sold_out" }));
      assert.deepEqual(await seen(), [1, "aborted", "checkout", "sold_out"]);
      await log.end(aborting);
      assert.deepEqual(await seen(), [1, "aborted", "checkout", "sold_out"]);
      const second = await begun(adapter, clock);
      await finished(adapter, second, "commit");
      assert.deepEqual(await seen(), [2, "committed", "checkout", undefined]);
      assert.deepEqual(await unfinishedRecords(log, 10), []);
    },
  },
];
