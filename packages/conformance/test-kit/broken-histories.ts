// Logs whose history is not what was written.
import type { KeyedAdapter } from "@assent/conformance";
import type { Tables } from "assent/internal/ports";
import {
  defaultLimits,
  type RecordHistory,
  type HistoryEntry,
  type HistoryLine,
  type TransactionRecord,
} from "assent/internal/protocol";
import {
  bindOperations,
  type BoundOperation,
  logOperations,
  recordTable,
  unfinishedTable,
  unfinishedTxId,
} from "assent/internal/engine";
import { type Break, brokenStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

type Kept = TransactionRecord & { readonly trail?: RecordHistory };

const keptOf = (tables: Tables, txId: string): Kept | undefined => tables.get(recordTable, txId);

const historyOf = (tables: Tables, txId: string): RecordHistory | undefined => keptOf(tables, txId)?.trail;

/** Replaces the history of a record. */
function putHistory(tables: Tables, txId: string, history: RecordHistory | undefined): void {
  const record = keptOf(tables, txId);
  if (record !== undefined && history !== undefined) tables.put(recordTable, txId, { ...record, trail: history });
}

/** A write whose entry is not kept. */
function unrecorded<Request extends { readonly txId: string }, Result>(
  write: BoundOperation<Request, Result>,
): BoundOperation<Request, Result> {
  return (tables, request, context) => {
    const before = historyOf(tables, request.txId);
    const result = write(tables, request, context);
    putHistory(tables, request.txId, before);
    return result;
  };
}

/** Writes of a log whose histories have no limit. */
const withoutEnd: ReturnType<Break> = ((operations) => ({
  decide: (...step) => operations.decide(...step),
  end: (...step) => operations.end(...step),
  takeOver: (...step) => operations.takeOver(...step),
}))(bindOperations(logOperations, { limits: { ...defaultLimits, historyEntriesMax: 10_000 } }));

/** Adds a line, whatever was written. */
function addLine(
  tables: Tables,
  { txId, now }: { txId: string; now: number },
  line: (afterMs: number) => HistoryLine,
): void {
  const record = keptOf(tables, txId);
  if (record !== undefined) putHistory(tables, txId, [...(record.trail ?? []), line(now - record.begunAt)]);
}

/** Ends and decisions that leave an entry, whatever came of them. */
const alwaysRecorded: Break = ({ end, decide }) => ({
  end(tables, request, context) {
    const result = end(tables, request, context);
    if (result.kind === "written") return result;
    addLine(tables, { ...request, ...context }, (afterMs) => [afterMs, "ended"]);
    return result;
  },
  decide(tables, request, context) {
    const result = decide(tables, request, context);
    if (result.kind !== "unmet") return result;
    addLine(tables, { ...request, ...context }, (afterMs) => [afterMs, "commit"]);
    return result;
  },
});

const everyWrite = "every write of a record adds one entry";

export const brokenHistories: readonly Broken<KeyedAdapter>[] = [
  broken("does not record takeovers", ({ takeOver }) => ({ takeOver: unrecorded(takeOver) }), [everyWrite]),
  broken("does not record parkings", ({ park }) => ({ park: unrecorded(park) }), [everyWrite, "R4 a note adds"]),
  broken("does not record decisions", ({ decide }) => ({ decide: unrecorded(decide) }), ["a commit adds three"]),
  broken("does not record ends", ({ end }) => ({ end: unrecorded(end) }), ["a commit adds three"]),
  broken("records writes that were not done", alwaysRecorded, ["C2 a write that is repeated, lost, unmet"]),
  broken(
    "does not keep who cancelled",
    ({ decide }) => ({
      decide: (tables, { operator: _operator, ...request }, context) => decide(tables, request, context),
    }),
    ["an abort by an operator keeps who"],
  ),
  broken(
    "records every takeover, even unsuccessful ones",
    ({ takeOver }) => ({
      takeOver(tables, request, context) {
        const result = takeOver(tables, request, context);
        if (result.kind !== "lost") return result;
        const { owner, epoch } = request.seen;
        addLine(tables, { ...request, ...context }, (afterMs) => [afterMs, "taken_over", owner, epoch]);
        return result;
      },
    }),
    ["R2 of concurrent takeovers only the successful one"],
  ),
  broken(
    "records every renewal of a note",
    ({ park }) => ({
      park(tables, request, context) {
        const before = historyOf(tables, request.txId);
        const result = park(tables, request, context);
        putHistory(tables, request.txId, before);
        if (result.kind === "written") {
          addLine(tables, { ...request, ...context }, (afterMs) => [afterMs, "parked", request.note.reason]);
        }
        return result;
      },
    }),
    ["R4 a note adds an entry when it is set"],
  ),
  broken(
    "records the time of the parking process",
    ({ park }) => ({
      park: (tables, request) => park(tables, request, { now: request.note.since }),
    }),
    [everyWrite],
  ),
  broken(
    "records the caller's time, not the store's",
    ({ begin }) => ({
      begin(tables, request, context) {
        const result = begin(tables, request, context);
        if (result.kind !== "begun") return result;
        putHistory(tables, result.record.txId, [[0, "begun"]]);
        return result;
      },
    }),
    [everyWrite],
  ),
  broken(
    "records a rebuilt record as if it had just begun",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        const before = historyOf(tables, request.record.txId);
        const record = rebuild(tables, request, context);
        if (before === undefined && record !== null)
          putHistory(tables, record.txId, [[context.now - record.begunAt, "begun"]]);
        return record;
      },
    }),
    ["R5 the history of a rebuilt record"],
  ),
  broken(
    "has one history for all transactions",
    ({ begin, history }) => {
      const txIds: string[] = [];
      return {
        begin(tables, request, context) {
          const result = begin(tables, request, context);
          if (result.kind === "begun") txIds.push(result.record.txId);
          return result;
        },
        history: (tables, { txId }, context) =>
          txIds.includes(txId)
            ? txIds.flatMap((each) => [...history(tables, { txId: each }, context)])
            : history(tables, { txId }, context),
      };
    },
    ["a commit adds three entries, and transactions have separate"],
  ),
  broken(
    "trims by age what has not ended",
    ({ sweepLog }) => ({
      sweepLog(tables, { limit }, context) {
        for (const [key] of tables.scan(unfinishedTable, { limit })) {
          const txId = unfinishedTxId(key);
          const { trail: lines = [], begunAt = 0 } = keptOf(tables, txId) ?? {};
          const since = context.now - defaultLimits.maxAgeMs - begunAt;
          putHistory(
            tables,
            txId,
            lines.filter(([afterMs]) => afterMs > since),
          );
        }
        return sweepLog(tables, { limit }, context);
      },
    }),
    ["S7 the history of an unfinished transaction stays"],
  ),
  broken(
    "keeps histories longer than records",
    ({ history }) => {
      const known = new Map<string, readonly HistoryEntry[]>();
      return {
        history(tables, { txId }, context) {
          const entries = history(tables, { txId }, context);
          if (entries.length > 0) known.set(txId, entries);
          return known.get(txId) ?? entries;
        },
      };
    },
    ["P7 a history is kept as long as its record"],
  ),
  broken(
    "lets go of a history at the end",
    ({ end }) => ({
      end(tables, request, context) {
        const result = end(tables, request, context);
        if (result.kind === "written") putHistory(tables, request.txId, []);
        return result;
      },
    }),
    ["a commit adds three entries"],
  ),
  broken("has histories without end", () => withoutEnd, ["a full history"]),
  broken(
    "drops the beginning of a history that is full",
    ({ history }) => ({
      ...withoutEnd,
      history: (tables, request, context) => history(tables, request, context).slice(-defaultLimits.historyEntriesMax),
    }),
    ["a full history"],
  ),
];
