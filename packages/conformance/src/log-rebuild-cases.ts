// R5: no record is never "abort". What the row still knows decides in which state a lost record comes back.
import { unfinishedRecords } from "assent/internal/coordinator";
import { defaultLimits, lostAttemptsMax, type TransactionRecord } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  begun,
  beginRequest,
  broughtBack,
  decided,
  decision,
  finished,
  lostRecord,
  orderBegun,
  orderFields,
  orderKey,
  putOrder,
  removeDue,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";
import type { TestClock } from "./test-clock.ts";

/** Ends the attempt and lets its record go, so that only the row knows of it. */
async function forgotten(
  adapter: LogAdapter,
  clock: TestClock,
  { record, outcome }: { record: TransactionRecord; outcome: "commit" | "abort" },
): Promise<void> {
  await finished(adapter, record, outcome);
  clock.advance(10 * defaultLimits.maxAgeMs);
  await removeDue(adapter);
  assert.equal(await adapter.log.read(record.txId), undefined);
}

export const rebuildCases: readonly Case<LogAdapter>[] = [
  {
    name: "R5 a lost record is rebuilt active and claims its row again",
    async run(adapter, clock) {
      await putOrder(adapter);
      const lost = lostRecord(clock);
      clock.advance(3);
      const rebuilt = await broughtBack(adapter, lost);
      assert.deepEqual(rebuilt, { ...lost, changedAt: clock.now() });
      assert.deepEqual(await adapter.log.read(lost.txId), rebuilt);
      assert.deepEqual(await unfinishedRecords(adapter.log, 10), [rebuilt]);
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.attempt, 1);
      assert.equal(row?.outcome, "pending");
      const other = await adapter.log.begin(beginRequest(clock));
      assert.deepEqual(other, { kind: "in_flight", txId: lost.txId }, "nobody charges again meanwhile");
      await decided(adapter, decision(rebuilt, "commit", { change: { set: { state: "paid" } } }));
      const paid = await adapter.rows.readRow(orderKey);
      assert.equal(paid?.outcome, "committed", "C4's local work is done again at the decision");
      assert.equal(paid?.fields["state"], "paid");
    },
  },
  {
    name: "R5 a rebuilt attempt has no reason of the previous attempt",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await finished(adapter, first, "abort");
      const rebuilt = await broughtBack(adapter, lostRecord(clock, { txId: `${orderKey}:life1:2` }));
      await decided(adapter, decision(rebuilt, "commit"));
      assert.deepEqual(await adapter.rows.readRow(orderKey), {
        key: orderKey,
        incarnation: "life1",
        attempt: 2,
        outcome: "committed",
        definition: "checkout",
        fields: orderFields,
      });
    },
  },
  {
    name: "R5, S4 a later attempt that was lost is undone when an earlier one has succeeded since",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await decided(adapter, decision(first, "commit"));
      const second = await broughtBack(adapter, lostRecord(clock, { txId: `${orderKey}:life1:2` }));
      assert.equal(second.state, "aborting");
      const row = await adapter.rows.readRow(orderKey);
      assert.deepEqual([row?.attempt, row?.outcome], [1, "committed"]);
      await adapter.log.end(second);
      const repeat = await adapter.log.begin(beginRequest(clock));
      assert.deepEqual(repeat, { kind: "committed", txId: first.txId });
    },
  },
  {
    name: "R5 an existing record is not replaced by a rebuild",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const offered = lostRecord(clock, { epoch: record.epoch + 9 });
      assert.deepEqual(await broughtBack(adapter, offered), record);
      const committing = await decided(adapter, decision(record, "commit"));
      assert.deepEqual(await broughtBack(adapter, offered), committing);
      assert.deepEqual(await adapter.log.read(record.txId), committing);
    },
  },
  {
    name: "R5 of concurrent rebuilds all agree on one record",
    async run(adapter, clock) {
      await putOrder(adapter);
      const offers = Array.from({ length: 6 }, (_, index) =>
        lostRecord(clock, { owner: `order/${index}.1`, epoch: clock.now() + index }),
      );
      const rebuilt = await Promise.all(offers.map((offer) => broughtBack(adapter, offer)));
      const inForce = await adapter.log.read(offers[0]?.txId ?? "");
      for (const record of rebuilt) assert.deepEqual(record, inForce);
    },
  },
  {
    name: "R5 the lost record of a committed row is rebuilt committing",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await forgotten(adapter, clock, { record, outcome: "commit" });
      const before = await adapter.rows.readRow(orderKey);
      const rebuilt = await broughtBack(adapter, lostRecord(clock));
      assert.equal(rebuilt.state, "committing");
      assert.equal((await adapter.log.decide(decision(rebuilt, "abort"))).kind, "lost");
      const repeat = decision(rebuilt, "commit", { change: { increment: { units: 1 } } });
      assert.equal((await adapter.log.decide(repeat)).kind, "repeated");
      assert.deepEqual(await adapter.rows.readRow(orderKey), before, "nothing is applied twice");
      assert.equal((await adapter.log.end(rebuilt)).kind, "written");
    },
  },
  {
    name: "R5 the lost record of an aborted row is rebuilt aborting, with its reason",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await forgotten(adapter, clock, { record, outcome: "abort" });
      const rebuilt = await broughtBack(adapter, lostRecord(clock));
      assert.equal(rebuilt.state, "aborting");
      assert.equal(rebuilt.reason, "sold_out");
      assert.equal((await adapter.log.decide(decision(rebuilt, "commit"))).kind, "lost");
      assert.equal((await adapter.rows.readRow(orderKey))?.outcome, "aborted");
    },
  },
  {
    name: "R5 the lost record of a superseded attempt is rebuilt aborting and does not change the row",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await forgotten(adapter, clock, { record: first, outcome: "abort" });
      const second = await begun(adapter, clock);
      const before = await adapter.rows.readRow(orderKey);
      const rebuilt = await broughtBack(adapter, lostRecord(clock));
      assert.equal(rebuilt.state, "aborting");
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      await decided(adapter, decision(second, "commit"));
    },
  },
  {
    name: "R5 the lost record of an earlier incarnation can only be aborted, and does not change the row",
    async run(adapter, clock) {
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      const before = await adapter.rows.readRow(orderKey);
      const rebuilt = await broughtBack(adapter, lostRecord(clock));
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      assert.notEqual((await adapter.log.decide(decision(rebuilt, "commit"))).kind, "written");
      await adapter.log.decide(decision(rebuilt, "abort"));
      assert.equal((await adapter.log.read(rebuilt.txId))?.state, "aborting");
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
    },
  },
  {
    name: "R5 a record whose row is also lost restores its row, and can be decided",
    async run(adapter, clock) {
      const rebuilt = await broughtBack(adapter, lostRecord(clock));
      assert.equal(rebuilt.state, "active");
      assert.deepEqual(await adapter.log.begin(beginRequest(clock)), { kind: "in_flight", txId: rebuilt.txId });
      await decided(adapter, decision(rebuilt, "commit", { change: { set: { state: "paid" } } }));
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.incarnation, "life1");
      assert.equal(row?.attempt, 1);
      assert.equal(row?.outcome, "committed");
      assert.deepEqual(row?.fields, { ...orderFields, state: "paid" });
    },
  },
  {
    name: "M3 an attempt too far ahead of its row is not rebuilt, and the attempt after the furthest has a name",
    async run(adapter, clock) {
      for (const attempt of [lostAttemptsMax + 1, Number.MAX_SAFE_INTEGER]) {
        const forged = lostRecord(clock, { txId: `${orderKey}:life1:${attempt}` });
        await assert.rejects(adapter.log.rebuild(forged));
        assert.equal(await adapter.rows.readRow(orderKey), undefined, "without a row");
      }
      await putOrder(adapter);
      const before = await adapter.rows.readRow(orderKey);
      await assert.rejects(
        adapter.log.rebuild(lostRecord(clock, { txId: `${orderKey}:life1:${lostAttemptsMax + 1}` })),
      );
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      const rebuilt = await adapter.log.rebuild(lostRecord(clock, { txId: `${orderKey}:life1:${lostAttemptsMax}` }));
      assert.ok(rebuilt !== undefined);
      await finished(adapter, rebuilt, "abort");
      const next = await begun(adapter, clock);
      assert.equal(next.txId, `${orderKey}:life1:${lostAttemptsMax + 1}`);
    },
  },
];
