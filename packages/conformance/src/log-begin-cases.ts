// Beginning: the row is claimed and the record opened in one step (C4), once per row at a time.
import { unfinishedRecords } from "assent/internal/coordinator";
import { type FieldCondition } from "assent/internal/ports";
import { parseTransactionId } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  beginRequest,
  begun,
  decided,
  decision,
  finished,
  kindsOf,
  orderBegun,
  orderFields,
  orderKey,
  owner,
  putOrder,
  releaseWaitMs,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";

async function assertRefusesConditions(
  { log, rows }: LogAdapter,
  request: ReturnType<typeof beginRequest>,
  unmet: readonly FieldCondition[],
): Promise<void> {
  for (const condition of unmet) {
    const before = await rows.readRow(orderKey);
    const change = { expect: [condition], set: { state: "claimed" } };
    const result = await log.begin({ ...request, change });
    assert.equal(result.kind, "unmet", JSON.stringify(condition));
    assert.deepEqual(await rows.readRow(orderKey), before, "an unmet begin changes nothing");
    assert.deepEqual(await unfinishedRecords(log, 10), [], "an unmet begin opens nothing");
  }
}

export const beginCases: readonly Case<LogAdapter>[] = [
  {
    name: "C4 begin claims the row and opens the record in one step",
    async run(adapter, clock) {
      await putOrder(adapter);
      const record = await begun(adapter, clock, { change: { set: { state: "claimed" } } });
      const fields = { ...orderFields, state: "claimed" };
      assert.deepEqual(parseTransactionId(record.txId), { key: orderKey, incarnation: "life1", attempt: 1 });
      assert.equal(record.state, "active");
      assert.equal(record.owner, owner);
      assert.equal(record.key, orderKey);
      assert.equal(record.definitionHash, 7);
      assert.ok(record.epoch >= clock.now(), "an epoch is not below the clock");
      assert.deepEqual(record.input, fields, "the input is the row as begin left it");
      const row = await adapter.rows.readRow(orderKey);
      const definition = "checkout";
      assert.deepEqual(row, {
        key: orderKey,
        incarnation: "life1",
        attempt: 1,
        outcome: "pending",
        definition,
        fields,
      });
      assert.deepEqual(await adapter.log.read(record.txId), record);
    },
  },
  {
    name: "C4 begin without a row is absent",
    async run({ log, rows }, clock) {
      assert.deepEqual(await log.begin(beginRequest(clock)), { kind: "absent" });
      assert.equal(await rows.readRow(orderKey), undefined);
      assert.deepEqual(await unfinishedRecords(log, 10), []);
    },
  },
  {
    name: "C4 begin creates the row that it is given, once",
    async run(adapter, clock) {
      const create = { incarnation: "life7", fields: orderFields };
      const record = await begun(adapter, clock, { create });
      assert.equal(parseTransactionId(record.txId).incarnation, "life7");
      const again = beginRequest(clock, { create });
      assert.deepEqual(await adapter.log.begin(again), { kind: "in_flight", txId: record.txId });
      await finished(adapter, record, "commit");
      assert.deepEqual(await adapter.log.begin(again), { kind: "committed", txId: record.txId });
    },
  },
  {
    name: "C4 begin with other content than the row was created with is unmet, whatever the outcome of the row",
    async run(adapter, clock) {
      const create = { incarnation: "life7", fields: orderFields };
      const other = { create: { incarnation: "life8", fields: { ...orderFields, total: 31 } } };
      const record = await begun(adapter, clock, { create });
      const answer = async (): Promise<string> => (await adapter.log.begin(beginRequest(clock, other))).kind;
      assert.equal(await answer(), "unmet", "while pending");
      await finished(adapter, record, "abort");
      assert.equal(await answer(), "unmet", "after an abort");
      const second = await begun(adapter, clock, { create });
      await finished(adapter, second, "commit");
      assert.equal(await answer(), "unmet", "after a commit");
    },
  },
  {
    name: "C4 conditions is, atMost and atLeast must all hold, and an absent field meets none",
    async run(adapter, clock) {
      await putOrder(adapter);
      await assertRefusesConditions(adapter, beginRequest(clock), [
        { field: "state", is: "closed" },
        { field: "units", is: "2" },
        { field: "units", atMost: 1 },
        { field: "units", atLeast: 3 },
        { field: "units", atLeast: 1, atMost: 1 },
        { field: "state", atLeast: 0 },
        { field: "lines", is: ["b"] },
        { field: "nothing", is: null },
        { field: "nothing", atMost: 5 },
      ]);
      const expect: readonly FieldCondition[] = [
        { field: "state", is: "open" },
        { field: "units", atLeast: 2, atMost: 2 },
        { field: "lines", is: ["a"] },
        { field: "total", atMost: 30 },
      ];
      await begun(adapter, clock, { change: { expect } });
    },
  },
  {
    name: "C4 set, increment and append change the row together",
    async run(adapter, clock) {
      await putOrder(adapter);
      const change = { set: { note: "x" }, increment: { units: 3, total: -5 }, append: { lines: "b" } };
      const { input } = await begun(adapter, clock, { change });
      const fields = { state: "open", units: 5, total: 25, lines: ["a", "b"], note: "x" };
      assert.deepEqual(input, fields);
      assert.deepEqual((await adapter.rows.readRow(orderKey))?.fields, fields);
    },
  },
  {
    name: "C4 an impossible change rejects and changes nothing",
    async run(adapter, clock) {
      await putOrder(adapter);
      const before = await adapter.rows.readRow(orderKey);
      for (const change of [
        { set: { note: "x" }, append: { total: "b" } },
        { increment: { nothing: 1 } },
        { increment: { units: Number.MAX_SAFE_INTEGER } },
      ]) {
        await assert.rejects(adapter.log.begin(beginRequest(clock, { change })), JSON.stringify(change));
        assert.deepEqual(await adapter.rows.readRow(orderKey), before);
        assert.deepEqual(await unfinishedRecords(adapter.log, 10), []);
      }
    },
  },
  {
    name: "S4 a pending row is in flight under the name of its attempt",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const other = beginRequest(clock, { owner: "order/b.2" });
      assert.deepEqual(await adapter.log.begin(other), { kind: "in_flight", txId: record.txId });
      assert.deepEqual(await adapter.log.read(record.txId), record);
    },
  },
  {
    name: "S4 of concurrent begins of one key exactly one wins",
    async run(adapter, clock) {
      await putOrder(adapter);
      const owners = Array.from({ length: 20 }, (_, index) => `order/${index}.1`);
      const results = await Promise.all(owners.map((name) => adapter.log.begin(beginRequest(clock, { owner: name }))));
      assert.equal(kindsOf(results).filter((kind) => kind === "begun").length, 1, kindsOf(results).join());
      const [active, ...others] = await unfinishedRecords(adapter.log, 10);
      assert.deepEqual(others, []);
      for (const result of results) {
        if (result.kind === "begun") assert.deepEqual(result.record, active);
        else assert.deepEqual(result, { kind: "in_flight", txId: active?.txId });
      }
    },
  },
  {
    name: "S4 a committed row stays committed",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await decided(adapter, decision(record, "commit"));
      const committed = { kind: "committed", txId: record.txId };
      assert.deepEqual(await adapter.log.begin(beginRequest(clock)), committed, "at the decision");
      await adapter.log.end(record);
      assert.deepEqual(await adapter.log.begin(beginRequest(clock)), committed, "at the end");
      clock.advance(365 * 86_400_000);
      assert.deepEqual(await adapter.log.begin(beginRequest(clock)), committed, "a year later");
    },
  },
  {
    name: "C5 a failed attempt delays the next until its bound, and no longer",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await decided(adapter, decision(first, "abort"));
      clock.advance(releaseWaitMs - 1);
      assert.deepEqual(await adapter.log.begin(beginRequest(clock)), { kind: "releasing", txId: first.txId });
      clock.advance(1);
      const second = await begun(adapter, clock);
      assert.equal(parseTransactionId(second.txId).attempt, 2);
    },
  },
  {
    name: "C5 a failed attempt that has ended delays none; the next has a new name and no old reason",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await finished(adapter, first, "abort");
      const second = await begun(adapter, clock);
      assert.deepEqual(parseTransactionId(second.txId), { key: orderKey, incarnation: "life1", attempt: 2 });
      const row = await adapter.rows.readRow(orderKey);
      assert.deepEqual(row, {
        key: orderKey,
        incarnation: "life1",
        attempt: 2,
        outcome: "pending",
        definition: "checkout",
        fields: orderFields,
      });
    },
  },
  {
    name: "C4 a row seeded again begins a new incarnation",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      await finished(adapter, first, "commit");
      await adapter.rows.putRow(orderKey, "life2", orderFields);
      const second = await begun(adapter, clock);
      assert.deepEqual(parseTransactionId(second.txId), { key: orderKey, incarnation: "life2", attempt: 1 });
      assert.notEqual(second.txId, first.txId);
    },
  },
];
