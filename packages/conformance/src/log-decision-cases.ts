// Deciding: record and row in one step for both outcomes (C4); the first decision wins and never changes (C2).
import { unfinishedRecords } from "assent/internal/coordinator";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  begun,
  broughtBack,
  decided,
  decision,
  finished,
  kindsOf,
  lostRecord,
  orderBegun,
  orderFields,
  orderKey,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";

const paid = { set: { state: "paid" }, increment: { units: 1 } };

export const decisionCases: readonly Case<LogAdapter>[] = [
  {
    name: "C4 a commit is written with its row in one step",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      clock.advance(5);
      const committing = await decided(adapter, decision(record, "commit", { change: paid }));
      assert.deepEqual(committing, { ...record, state: "committing", changedAt: clock.now() });
      assert.deepEqual(await adapter.log.read(record.txId), committing);
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.outcome, "committed");
      assert.deepEqual(row?.fields, { ...orderFields, state: "paid", units: 3 });
    },
  },
  {
    name: "C4 an abort is written with its row in one step, and never applies the change of a commit",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      clock.advance(5);
      const aborting = await decided(adapter, decision(record, "abort", { reason: "sold_out", change: paid }));
      assert.deepEqual(aborting, { ...record, state: "aborting", reason: "sold_out", changedAt: clock.now() });
      assert.deepEqual(await adapter.log.read(record.txId), aborting);
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.outcome, "aborted");
      assert.equal(row?.reason, "sold_out");
      assert.deepEqual(row?.fields, orderFields);
    },
  },
  {
    name: "C2 the first decision wins and never changes",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      const committing = await decided(adapter, decision(first, "commit"));
      const abort = await adapter.log.decide(decision(first, "abort"));
      assert.deepEqual(abort, { kind: "lost", record: committing });
      assert.deepEqual(await adapter.log.read(first.txId), committing);
      assert.equal((await adapter.rows.readRow(orderKey))?.outcome, "committed");
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      const second = await begun(adapter, clock);
      const aborting = await decided(adapter, decision(second, "abort"));
      const commit = await adapter.log.decide(decision(second, "commit", { change: paid }));
      assert.deepEqual(commit, { kind: "lost", record: aborting });
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.outcome, "aborted");
      assert.deepEqual(row?.fields, orderFields);
    },
  },
  {
    name: "C2 a repeated decision is answered as such and applied once",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const commit = decision(record, "commit", { change: paid });
      const committing = await decided(adapter, commit);
      clock.advance(1_000);
      assert.deepEqual(await adapter.log.decide(commit), { kind: "repeated", record: committing });
      assert.equal((await adapter.rows.readRow(orderKey))?.fields["units"], 3);
      await adapter.log.end(record);
      assert.equal((await adapter.log.decide(commit)).kind, "repeated", "after the end too");
    },
  },
  {
    name: "C2 of concurrent decisions exactly one wins, and the row agrees with it",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const results = await Promise.all([
        adapter.log.decide(decision(record, "abort", { reason: "late" })),
        adapter.log.decide(decision(record, "commit", { change: paid })),
      ]);
      assert.deepEqual(kindsOf(results), ["lost", "written"]);
      const state = (await adapter.log.read(record.txId))?.state;
      const row = await adapter.rows.readRow(orderKey);
      assert.equal(row?.outcome, state === "committing" ? "committed" : "aborted");
    },
  },
  {
    name: "C2 only the owner at this epoch decides",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      for (const claim of [{ owner: "order/b.2" }, { epoch: record.epoch + 1 }, { epoch: record.epoch - 1 }]) {
        for (const outcome of ["commit", "abort"] as const) {
          const result = await adapter.log.decide(decision(record, outcome, claim));
          assert.deepEqual(result, { kind: "lost", record });
        }
        assert.equal((await adapter.log.end({ ...record, ...claim })).kind, "lost");
      }
      assert.deepEqual(await adapter.log.read(record.txId), record);
      assert.equal((await adapter.rows.readRow(orderKey))?.outcome, "pending");
    },
  },
  {
    name: "C4 a commit whose conditions do not hold is unmet and changes nothing",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const before = await adapter.rows.readRow(orderKey);
      const change = { ...paid, expect: [{ field: "state", is: "shipped" }] };
      assert.deepEqual(await adapter.log.decide(decision(record, "commit", { change })), { kind: "unmet" });
      assert.deepEqual(await adapter.log.read(record.txId), record);
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      await decided(adapter, decision(record, "abort"));
    },
  },
  {
    name: "C4 a row of another incarnation cannot be committed, and an abort does not change it",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      const next = await begun(adapter, clock);
      const before = await adapter.rows.readRow(orderKey);
      assert.deepEqual(await adapter.log.decide(decision(record, "commit", { change: paid })), { kind: "unmet" });
      assert.deepEqual(await adapter.log.read(record.txId), record);
      await decided(adapter, decision(record, "abort"));
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      assert.deepEqual(await adapter.log.read(next.txId), next);
    },
  },
  {
    name: "C4 a row of a later attempt is not touched by the decision of an earlier one",
    async run(adapter, clock) {
      await adapter.rows.putRow(orderKey, "life1", orderFields);
      // The log rebuilds the second attempt after its first begin was lost, and then a branch asks about the first.
      const earlier = lostRecord(clock);
      const later = await broughtBack(adapter, lostRecord(clock, { txId: `${orderKey}:life1:2` }));
      const before = await adapter.rows.readRow(orderKey);
      assert.equal(before?.attempt, 2);
      const rebuilt = await broughtBack(adapter, earlier);
      assert.equal((await adapter.log.decide(decision(rebuilt, "commit", { change: paid }))).kind, "lost");
      await adapter.log.decide(decision(rebuilt, "abort"));
      assert.deepEqual(await adapter.rows.readRow(orderKey), before);
      await decided(adapter, decision(later, "commit", { change: paid }));
    },
  },
  {
    name: "C4 a row that was removed by seeding has no outcome of an earlier incarnation",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      await decided(adapter, decision(record, "abort"));
      const row = await adapter.rows.readRow(orderKey);
      assert.deepEqual(row, { key: orderKey, incarnation: "life2", attempt: 0, outcome: "none", fields: orderFields });
    },
  },
  {
    name: "R5 a write for a missing record is answered absent",
    async run({ log, rows }, clock) {
      const record = lostRecord(clock);
      const absent = { kind: "absent" };
      const note = { reason: "silent", since: clock.now(), attempts: 10 };
      const taker = { owner: "order/c.3", epoch: record.epoch + 1 };
      assert.deepEqual(await log.decide(decision(record, "commit")), absent);
      assert.deepEqual(await log.decide(decision(record, "abort")), absent);
      assert.deepEqual(await log.end(record), absent);
      assert.deepEqual(await log.takeOver({ txId: record.txId, seen: record, taker }), absent);
      assert.deepEqual(await log.park({ ...record, note }), absent);
      assert.equal(await log.read(record.txId), undefined);
      assert.equal(await rows.readRow(orderKey), undefined);
      assert.deepEqual(await unfinishedRecords(log, 10), []);
    },
  },
  {
    name: "R3 a transaction ends once, and only after a decision",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      assert.deepEqual(
        await adapter.log.end(record),
        { kind: "lost", record },
        "undecided: to be recovered, not ended",
      );
      assert.deepEqual(await adapter.log.read(record.txId), record);
      const ended = await finished(adapter, record, "commit");
      assert.equal(ended.state, "committed");
      assert.deepEqual(await adapter.log.end(record), { kind: "repeated", record: ended });
      assert.deepEqual(await adapter.log.read(record.txId), ended);
    },
  },
];
