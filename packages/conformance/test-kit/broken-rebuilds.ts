// Logs that bring lost records back wrongly (R5).
import type { KeyedAdapter } from "@assent/conformance";
import type { Row } from "assent/internal/ports";
import { addUnfinished, recordTable, rowTable } from "assent/internal/engine";
import { type Break, brokenStore, losing, showing } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

/** A rebuild that sees its row changed in some way. */
const seeingRows =
  (look: (row: Row) => Row | undefined): Break =>
  ({ rebuild }) => ({
    rebuild: (tables, request, context) => rebuild(showing(tables, rowTable, look), request, context),
  });

export const brokenRebuilds: readonly Broken<KeyedAdapter>[] = [
  broken(
    "takes no record for abort",
    ({ rebuild }) => ({
      rebuild(tables, { record }, context) {
        if (tables.get(recordTable, record.txId) !== undefined) return rebuild(tables, { record }, context);
        const aborting = { ...record, state: "aborting", reason: "unknown" } as const;
        tables.put(recordTable, record.txId, aborting);
        addUnfinished(tables, record);
        return aborting;
      },
    }),
    ["R5 a lost record is rebuilt active", "R5 the lost record of a committed row"],
  ),
  broken(
    "replaces the record that is there",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        tables.delete(recordTable, request.record.txId);
        return rebuild(tables, request, context);
      },
    }),
    ["R5 an existing record is not replaced", "R5 of concurrent rebuilds"],
  ),
  broken(
    "rebuilds any attempt that is named",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        try {
          return rebuild(tables, request, context);
        } catch {
          return request.record;
        }
      },
    }),
    ["M3 an attempt too far ahead"],
  ),
  broken(
    "does not claim the row again",
    ({ rebuild }) => ({
      rebuild: (tables, request, context) =>
        rebuild(
          losing(tables, (table) => table === rowTable),
          request,
          context,
        ),
    }),
    ["R5 a lost record is rebuilt active and claims", "R5 a record whose row is also lost"],
  ),
  broken(
    "keeps a reason when it claims the row again",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        const before = tables.get(rowTable, request.record.key);
        const record = rebuild(tables, request, context);
        const row = tables.get(rowTable, request.record.key);
        if (before?.reason === undefined || row === undefined) return record;
        tables.put(rowTable, row.key, { ...row, reason: before.reason });
        return record;
      },
    }),
    ["R5 a rebuilt attempt has no reason"],
  ),
  broken(
    "does not ask the row",
    seeingRows(() => undefined),
    [
      "R5 the lost record of a committed row",
      "R5 the lost record of an aborted row",
      "R5 the lost record of a superseded attempt",
      "R5 the lost record of an earlier incarnation",
    ],
  ),
  broken(
    "forgets why the row was aborted",
    seeingRows(({ reason: _reason, ...row }) => row),
    ["R5 the lost record of an aborted row is rebuilt aborting, with its reason"],
  ),
  broken(
    "claims the row of an earlier success",
    seeingRows((row) => (row.outcome === "committed" ? { ...row, outcome: "aborted" } : row)),
    ["R5, S4 a later attempt that was lost is undone", "R5 the lost record of a committed row"],
  ),
  broken(
    "takes a later attempt for its own",
    seeingRows((row) => ({ ...row, attempt: Math.min(row.attempt, 1) })),
    ["R5 the lost record of a superseded attempt"],
  ),
];
