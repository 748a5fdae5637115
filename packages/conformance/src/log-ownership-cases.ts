// Ownership, parking and removal (R1, R2, R4, P7).
import { unfinishedRecords } from "assent/internal/coordinator";
import { type LogSweep } from "assent/internal/ports";
import { defaultLimits, type TransactionRecord } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  beginRequest,
  begun,
  decided,
  decision,
  finished,
  kindsOf,
  lostRecord,
  orderBegun,
  orderKey,
  placesOf,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";

/** Long after anything of a transaction may be removed. */
const longAfterMs = 10 * defaultLimits.maxAgeMs;
const nothingDue: LogSweep = { removable: [], more: false };

const recordsOf = ({ removable }: LogSweep): readonly TransactionRecord[] => removable.map(({ record }) => record);

export const ownershipCases: readonly Case<LogAdapter>[] = [
  {
    name: "R2 a takeover moves the record to the new owner, and the old owner can no longer write",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const taker = { owner: "order/b.2", epoch: record.epoch + 1 };
      clock.advance(20_000);
      const taken = await adapter.log.takeOver({ txId: record.txId, seen: record, taker });
      const expected = { ...record, ...taker, changedAt: clock.now() };
      assert.deepEqual(taken, { kind: "written", record: expected });
      assert.deepEqual(await adapter.log.read(record.txId), expected);
      for (const outcome of ["commit", "abort"] as const) {
        assert.equal((await adapter.log.decide(decision(record, outcome))).kind, "lost");
      }
      assert.equal((await adapter.rows.readRow(orderKey))?.outcome, "pending");
      await decided(adapter, decision(expected, "commit"));
      assert.equal((await adapter.log.end(record)).kind, "lost");
      assert.equal((await adapter.log.end(expected)).kind, "written");
    },
  },
  {
    name: "R2 a takeover from another state, or to an epoch that is not new, is lost",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const { txId, epoch } = record;
      const taker = { owner: "order/b.2", epoch: epoch + 1 };
      const stale = { owner: record.owner, epoch: epoch - 1 };
      const stranger = { owner: "order/c.3", epoch };
      assert.deepEqual(await adapter.log.takeOver({ txId, seen: stale, taker }), { kind: "lost", record });
      assert.deepEqual(await adapter.log.takeOver({ txId, seen: stranger, taker }), { kind: "lost", record });
      for (const notNew of [epoch, epoch - 1]) {
        const request = { txId, seen: record, taker: { ...taker, epoch: notNew } };
        assert.deepEqual(await adapter.log.takeOver(request), { kind: "lost", record });
      }
      assert.equal((await adapter.log.takeOver({ txId, seen: record, taker })).kind, "written");
      assert.equal((await adapter.log.takeOver({ txId, seen: record, taker })).kind, "repeated");
      assert.equal((await adapter.log.read(txId))?.owner, taker.owner);
    },
  },
  {
    name: "R2 a decided record can be taken over, an ended one cannot",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const { txId } = record;
      await decided(adapter, decision(record, "commit"));
      const taker = { owner: "order/b.2", epoch: record.epoch + 1 };
      const taken = await adapter.log.takeOver({ txId, seen: record, taker });
      assert.equal(taken.kind, "written");
      assert.equal((await adapter.log.read(txId))?.state, "committing", "a takeover changes no decision");
      assert.equal((await adapter.log.end({ txId, ...taker })).kind, "written");
      const late = { txId, seen: taker, taker: { owner: "order/c.3", epoch: record.epoch + 2 } };
      assert.equal((await adapter.log.takeOver(late)).kind, "lost");
    },
  },
  {
    name: "R2 of concurrent takers exactly one wins",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const takers = Array.from({ length: 8 }, (_, index) => ({
        owner: `order/taker${index}.1`,
        epoch: record.epoch + 1 + index,
      }));
      const results = await Promise.all(
        takers.map((taker) => adapter.log.takeOver({ txId: record.txId, seen: record, taker })),
      );
      assert.equal(kindsOf(results).filter((kind) => kind === "written").length, 1, kindsOf(results).join());
      const winner = takers[results.findIndex(({ kind }) => kind === "written")];
      assert.equal((await adapter.log.read(record.txId))?.owner, winner?.owner);
    },
  },
  {
    name: "R4 parking is a note: state and owner stay, and a decision removes it",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const note = { reason: "stock/0 silent", since: clock.now(), attempts: 10 };
      const stranger = await adapter.log.park({ ...record, owner: "order/b.2", note });
      assert.deepEqual(stranger, { kind: "lost", record });
      const parked = { ...record, parked: note };
      assert.deepEqual(await adapter.log.park({ ...record, note }), { kind: "written", record: parked });
      assert.deepEqual(await unfinishedRecords(adapter.log, 10), [parked], "parked is not done");
      assert.equal((await decided(adapter, decision(record, "commit"))).parked, undefined);
    },
  },
  {
    name: "P7 an ended record is kept longer than any branch record, then removed; its row stays committed",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const ended = await finished(adapter, record, "commit");
      clock.advance(2 * defaultLimits.maxAgeMs + 1);
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
      clock.advance(longAfterMs);
      const due = await adapter.log.sweep(10);
      assert.deepEqual(recordsOf(due), [ended]);
      assert.deepEqual(await adapter.log.read(record.txId), ended, "its branches have to forget first");
      assert.deepEqual(await adapter.log.sweep(10), due, "it stays due");
      await adapter.log.remove(placesOf(due));
      assert.equal(await adapter.log.read(record.txId), undefined);
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
      const again = await adapter.log.begin(beginRequest(clock));
      assert.deepEqual(again, { kind: "committed", txId: record.txId });
    },
  },
  {
    name: "P7 an outcome is kept from its end, however long phase 2 took",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await decided(adapter, decision(record, "commit"));
      clock.advance(5 * defaultLimits.maxAgeMs);
      await adapter.log.end(record);
      clock.advance(4 * defaultLimits.maxAgeMs - 1);
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
      clock.advance(2);
      const [due] = (await adapter.log.sweep(10)).removable;
      assert.equal(due?.record.txId, record.txId);
    },
  },
  {
    name: "P7 a postponed outcome falls due again at its new time, and not before",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const ended = await finished(adapter, record, "commit");
      clock.advance(longAfterMs);
      const due = await adapter.log.sweep(10);
      const untilMs = clock.now() + 5_000;
      await adapter.log.postpone(placesOf(due).map((place) => ({ ...place, untilMs })));
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
      clock.advance(5_001);
      const again = await adapter.log.sweep(10);
      assert.deepEqual(again.removable, [{ dueAt: untilMs, record: ended }]);
      await adapter.log.remove(placesOf(due));
      assert.deepEqual(await adapter.log.read(record.txId), ended, "it is not where it was due before");
      await adapter.log.remove(placesOf(again));
      assert.equal(await adapter.log.read(record.txId), undefined);
    },
  },
  {
    name: "R5 a sweep that was overtaken removes no rebuilt record",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await finished(adapter, record, "commit");
      clock.advance(longAfterMs);
      const places = placesOf(await adapter.log.sweep(10));
      await adapter.log.remove(places);
      const rebuilt = await adapter.log.rebuild(lostRecord(clock));
      await adapter.log.remove(places);
      await adapter.log.postpone(places.map((place) => ({ ...place, untilMs: clock.now() })));
      assert.deepEqual(await adapter.log.read(record.txId), rebuilt);
      clock.advance(longAfterMs);
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
    },
  },
  {
    name: "S7 a sweep never removes an unfinished transaction, however old",
    async run(adapter, clock) {
      const active = await orderBegun(adapter, clock);
      await adapter.rows.putRow("order-2", "life1", {});
      const decidedOne = await begun(adapter, clock, { key: "order-2" });
      const committing = await decided(adapter, decision(decidedOne, "commit"));
      clock.advance(longAfterMs);
      assert.deepEqual(await adapter.log.sweep(10), nothingDue);
      assert.deepEqual(await unfinishedRecords(adapter.log, 10), [active, committing]);
    },
  },
  {
    name: "R7 a sweep reads no more than requested, oldest first, and reports when more is due",
    async run(adapter, clock) {
      const keys = ["order-1", "order-2", "order-3"];
      await adapter.rows.putRows(
        "life1",
        keys.map((key) => [key, {}]),
      );
      for (const key of keys) {
        await finished(adapter, await begun(adapter, clock, { key }), "commit");
        clock.advance(1);
      }
      clock.advance(longAfterMs);
      const first = await adapter.log.sweep(2);
      assert.deepEqual([recordsOf(first).map(({ key }) => key), first.more], [["order-1", "order-2"], true]);
      await adapter.log.remove(placesOf(first));
      const second = await adapter.log.sweep(2);
      assert.deepEqual([recordsOf(second).map(({ key }) => key), second.more], [["order-3"], false]);
    },
  },
  {
    name: "P7 a failure has no branch that asks: a sweep removes it, and no more of them than requested",
    async run(adapter, clock) {
      const keys = ["order-1", "order-2", "order-3"];
      const fields = keys.map((key) => [key, {}] as const);
      await adapter.rows.putRows("life1", fields);
      const txIds: string[] = [];
      for (const key of keys) {
        const { txId } = await finished(adapter, await begun(adapter, clock, { key }), "abort");
        txIds.push(txId);
        clock.advance(1);
      }
      const left = async (): Promise<number> => {
        const records = await Promise.all(txIds.map((txId) => adapter.log.read(txId)));
        return records.filter((record) => record !== undefined).length;
      };
      clock.advance(longAfterMs);
      assert.deepEqual(await adapter.log.sweep(2), { removable: [], more: true });
      assert.equal(await left(), 1);
      assert.deepEqual(await adapter.log.sweep(2), nothingDue);
      assert.equal(await left(), 0);
    },
  },
];
