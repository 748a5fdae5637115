// The suite of the port `TransactionLog`, with the rows beside it.
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import { beginCases } from "./log-begin-cases.ts";
import { decisionCases } from "./log-decision-cases.ts";
import { historyCases } from "./log-history-cases.ts";
import { indexCases } from "./log-index-cases.ts";
import { ownershipCases } from "./log-ownership-cases.ts";
import { keyCases } from "./log-key-cases.ts";
import { rebuildCases } from "./log-rebuild-cases.ts";
import { begun, decided, decision, finished, orderBegun, orderFields, orderKey, putOrder } from "./log-requests.ts";
import { type Case, type Open, register, type Suite } from "./suite.ts";

const rowCases: readonly Case<LogAdapter>[] = [
  {
    name: "a row that was put is read, and put again in place of itself",
    async run(adapter) {
      const { rows } = adapter;
      assert.equal(await rows.readRow(orderKey), undefined);
      await putOrder(adapter);
      const row = { key: orderKey, incarnation: "life1", attempt: 0, outcome: "none", fields: orderFields };
      assert.deepEqual(await rows.readRow(orderKey), row);
      await rows.putRow(orderKey, "life2", { other: true });
      assert.deepEqual(await rows.readRow(orderKey), { ...row, incarnation: "life2", fields: { other: true } });
    },
  },
  {
    name: "many rows are put together",
    async run({ rows }) {
      const keys = Array.from({ length: 300 }, (_, index) => `order-${index}`);
      await rows.putRows(
        "life1",
        keys.map((key, index) => [key, { index }]),
      );
      const found = await Promise.all(keys.map((key) => rows.readRow(key)));
      assert.deepEqual(
        found.map((row) => row?.fields["index"]),
        keys.map((_, index) => index),
      );
    },
  },
  {
    name: "C4 a row is changed under its conditions",
    async run(adapter) {
      const { rows } = adapter;
      assert.deepEqual(await rows.changeRow(orderKey, { set: { state: "x" } }), { kind: "absent" });
      await putOrder(adapter);
      const change = { expect: [{ field: "units", atMost: 2 }], increment: { units: 1 }, append: { lines: "b" } };
      const changed = await rows.changeRow(orderKey, change);
      assert.equal(changed.kind, "changed");
      const row = await rows.readRow(orderKey);
      assert.deepEqual(row?.fields, { ...orderFields, units: 3, lines: ["a", "b"] });
      assert.deepEqual(await rows.changeRow(orderKey, change), { kind: "unmet", row });
      assert.deepEqual(await rows.readRow(orderKey), row);
    },
  },
  {
    name: "C4 a pending or committed row is changed by its transaction only",
    async run(adapter, clock) {
      const change = { set: { state: "x" } };
      const record = await orderBegun(adapter, clock);
      assert.equal((await adapter.rows.changeRow(orderKey, change)).kind, "unmet", "pending");
      await decided(adapter, decision(record, "commit"));
      assert.equal((await adapter.rows.changeRow(orderKey, change)).kind, "unmet", "committed");
      assert.deepEqual((await adapter.rows.readRow(orderKey))?.fields, orderFields);
    },
  },
  {
    name: "C4 an aborted row may be changed, and its next attempt begins with the change",
    async run(adapter, clock) {
      await finished(adapter, await orderBegun(adapter, clock), "abort");
      assert.equal((await adapter.rows.changeRow(orderKey, { set: { total: 20 } })).kind, "changed");
      assert.deepEqual((await begun(adapter, clock)).input, { ...orderFields, total: 20 });
    },
  },
];

export const transactionLogCases: Suite<LogAdapter> = {
  name: "TransactionLog",
  cases: [
    ...beginCases,
    ...keyCases,
    ...decisionCases,
    ...ownershipCases,
    ...indexCases,
    ...rebuildCases,
    ...historyCases,
    ...rowCases,
  ],
};

/** Registers the tests of a log for an adapter. */
export function transactionLogSuite(open: Open<LogAdapter>): void {
  register(transactionLogCases, open);
}
