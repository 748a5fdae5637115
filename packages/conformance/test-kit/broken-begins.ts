// Logs that begin wrongly, and rows that change wrongly.
import { recordTable, rowTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import type { BeginRequest, Row, RowChange, Tables } from "assent/internal/ports";
import { type Break, brokenStore, losing, unorderedStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

const rowOf = (tables: Tables, key: string): Row | undefined => tables.get(rowTable, key);

function putRow(tables: Tables, row: Row): void {
  tables.put(rowTable, row.key, row);
}

function withoutConditions<T extends { readonly change?: RowChange }>(request: T): T {
  if (request.change === undefined) return request;
  const { expect: _expect, ...change } = request.change;
  return { ...request, change };
}

function withSetOnly<T extends { readonly change?: RowChange }>(request: T): T {
  if (request.change === undefined) return request;
  const { increment: _increment, append: _append, ...change } = request.change;
  return { ...request, change };
}

/** A begin that first makes the row look as if it had another outcome. */
const beginningAfter =
  (from: Row["outcome"], change: Partial<Row>): Break =>
  ({ begin }) => ({
    begin(tables, request, context) {
      const row = rowOf(tables, request.key);
      if (row?.outcome === from) putRow(tables, { ...row, ...change });
      return begin(tables, request, context);
    },
  });

const claims: readonly Broken<KeyedAdapter>[] = [
  broken("begins twice", beginningAfter("pending", { outcome: "none" }), [
    "S4 a pending row is in flight",
    "S4 of concurrent begins",
  ]),
  broken("begins again after a commit", beginningAfter("committed", { outcome: "none" }), [
    "S4 a committed row stays committed",
    "P7 an ended record is kept longer",
  ]),
  {
    that: "does not see the begin before",
    open: unorderedStore,
    caughtBy: ["S4 of concurrent begins", "R2 of concurrent takers", "R5 of concurrent rebuilds"],
  },
  broken(
    "opens a record without claiming its row",
    ({ begin }) => ({
      begin: (tables, request, context) =>
        begin(
          losing(tables, (table) => table === rowTable),
          request,
          context,
        ),
    }),
    ["C4 begin claims the row"],
  ),
  broken(
    "begins with an epoch below the clock",
    ({ begin }) => ({
      begin(tables, request, context) {
        const result = begin(tables, request, context);
        if (result.kind !== "begun") return result;
        const record = { ...result.record, epoch: 1 };
        tables.put(recordTable, record.txId, record);
        return { kind: "begun", record };
      },
    }),
    ["C4 begin claims the row"],
  ),
  broken(
    "makes rows that nobody asked for",
    ({ begin }) => ({
      begin(tables, request, context) {
        if (rowOf(tables, request.key) === undefined && request.create === undefined) {
          putRow(tables, { key: request.key, incarnation: "life1", attempt: 0, outcome: "none", fields: {} });
        }
        return begin(tables, request, context);
      },
    }),
    ["C4 begin without a row is absent"],
  ),
  broken(
    "creates its row again",
    ({ begin }) => ({
      begin(tables, request, context) {
        if (request.create !== undefined) tables.delete(rowTable, request.key);
        return begin(tables, request, context);
      },
    }),
    ["C4 begin creates the row that it is given, once"],
  ),
  broken(
    "takes any content for a repeat",
    ({ begin }) => ({
      begin(tables, request, context) {
        const { create: _create, ...bare } = request;
        return begin(tables, rowOf(tables, request.key) === undefined ? request : bare, context);
      },
    }),
    ["C4 begin with other content"],
  ),
];

const releasing =
  (releaseWaitMs: number): Break =>
  ({ begin }) => ({
    begin: (tables, request: BeginRequest, context) => begin(tables, { ...request, releaseWaitMs }, context),
  });

const attempts: readonly Broken<KeyedAdapter>[] = [
  broken("never waits for a failed attempt", releasing(0), ["C5 a failed attempt delays"]),
  broken("waits for a failed attempt for ever", releasing(1e12), ["C5 a failed attempt delays"]),
  broken(
    "waits for a failed attempt that has ended",
    ({ begin }) => ({
      begin(tables, request, context) {
        const row = rowOf(tables, request.key);
        if (row?.outcome !== "aborted") return begin(tables, request, context);
        return { kind: "releasing", txId: `${row.key}:${row.incarnation}:${row.attempt}` };
      },
    }),
    ["C5 a failed attempt that has ended"],
  ),
  broken(
    "gives the next attempt the name of the failed one",
    ({ begin }) => ({
      begin(tables, request, context) {
        const row = rowOf(tables, request.key);
        const result = begin(tables, request, context);
        const claimed = rowOf(tables, request.key);
        if (result.kind !== "begun" || claimed === undefined || row?.outcome !== "aborted") return result;
        const record = { ...result.record, txId: `${row.key}:${row.incarnation}:${row.attempt}` };
        putRow(tables, { ...claimed, attempt: row.attempt });
        tables.put(recordTable, record.txId, record);
        return { kind: "begun", record };
      },
    }),
    ["C5 a failed attempt that has ended", "C5 a failed attempt delays"],
  ),
  broken(
    "keeps the reason of the attempt before",
    ({ begin }) => ({
      begin(tables, request, context) {
        const reason = rowOf(tables, request.key)?.reason;
        const result = begin(tables, request, context);
        const row = rowOf(tables, request.key);
        if (result.kind === "begun" && row !== undefined && reason !== undefined) putRow(tables, { ...row, reason });
        return result;
      },
    }),
    ["C5 a failed attempt that has ended"],
  ),
];

const changes: readonly Broken<KeyedAdapter>[] = [
  broken(
    "ignores conditions",
    ({ begin, changeRow }) => ({
      begin: (tables, request, context) => begin(tables, withoutConditions(request), context),
      changeRow: (tables, request, context) => changeRow(tables, withoutConditions(request), context),
    }),
    ["C4 conditions is, atMost and atLeast", "C4 a row is changed under its conditions"],
  ),
  broken(
    "does only part of a change",
    ({ begin, changeRow }) => ({
      begin: (tables, request, context) => begin(tables, withSetOnly(request), context),
      changeRow: (tables, request, context) => changeRow(tables, withSetOnly(request), context),
    }),
    ["C4 set, increment and append", "C4 a row is changed under its conditions"],
  ),
  broken(
    "leaves out what fails",
    ({ begin }) => ({
      begin(tables, request, context) {
        try {
          return begin(tables, request, context);
        } catch {
          return begin(tables, withSetOnly(request), context);
        }
      },
    }),
    ["C4 an impossible change rejects"],
  ),
  broken(
    "keeps one life of a row for ever",
    ({ putRow: put }) => ({
      putRow(tables, request, context) {
        const incarnation = rowOf(tables, request.key)?.incarnation ?? request.incarnation;
        return put(tables, { ...request, incarnation }, context);
      },
    }),
    ["C4 a row seeded again begins a new incarnation", "a row that was put is read", "C4 a row of another incarnation"],
  ),
  broken(
    "puts only the first of many rows",
    ({ putRows }) => ({
      putRows: (tables, { incarnation, rows }, context) =>
        putRows(tables, { incarnation, rows: rows.slice(0, 100) }, context),
    }),
    ["many rows are put together"],
  ),
  broken(
    "lets anybody change a row under way",
    ({ changeRow }) => ({
      changeRow(tables, request, context) {
        const row = rowOf(tables, request.key);
        if (row !== undefined) putRow(tables, { ...row, outcome: "none" });
        const result = changeRow(tables, request, context);
        const changed = rowOf(tables, request.key);
        if (row !== undefined && changed !== undefined) putRow(tables, { ...changed, outcome: row.outcome });
        return result;
      },
    }),
    ["C4 a pending or committed row is changed by its transaction only"],
  ),
  broken(
    "never changes a row that had an attempt",
    ({ changeRow }) => ({
      changeRow(tables, request, context) {
        const row = rowOf(tables, request.key);
        return row !== undefined && row.attempt > 0 ? { kind: "unmet", row } : changeRow(tables, request, context);
      },
    }),
    ["C4 an aborted row may be changed"],
  ),
];

export const brokenBegins: readonly Broken<KeyedAdapter>[] = [...claims, ...attempts, ...changes];
