// Logs whose index of unfinished records is wrong: what they leave out, repeat, mix up or keep.
import type { KeyedAdapter } from "@assent/conformance";
import type { TransactionRecord } from "assent/internal/protocol";
import { addUnfinished, unfinishedTable } from "assent/internal/engine";
import { type Break, brokenStore, losing, removeFromIndex } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

export const brokenIndexes: readonly Broken<KeyedAdapter>[] = [
  broken(
    "drops a transaction from the index at its decision",
    ({ decide }) => ({
      decide(tables, request, context) {
        removeFromIndex(tables, request.txId);
        return decide(tables, request, context);
      },
    }),
    ["R4 a transaction is unfinished until its end", "S7 a sweep never removes"],
  ),
  broken(
    "begins each page where the last one ended",
    ({ unfinished }) => ({
      unfinished: (tables, { after, ...range }, context) =>
        unfinished(
          tables,
          {
            ...range,
            ...(after !== undefined && { after: { ...after, txId: after.txId.slice(0, -1) } }),
          },
          context,
        ),
    }),
    ["R7 unfinished records are read in pages"],
  ),
  broken(
    "answers one record too many",
    ({ unfinished }) => ({
      unfinished: (tables, { limit, ...range }, context) => unfinished(tables, { ...range, limit: limit + 1 }, context),
    }),
    ["R7 unfinished records are read in pages"],
  ),
  broken(
    "reads whatever exists, due or not",
    ({ unfinished }) => ({
      unfinished: (tables, { deadlineBefore: _due, ...range }, context) => unfinished(tables, range, context),
    }),
    ["R7 only records whose deadline is before a time"],
  ),
  broken(
    "counts a deadline that is now as past",
    ({ unfinished }) => ({
      unfinished: (tables, { deadlineBefore, ...range }, context) =>
        unfinished(
          tables,
          {
            ...range,
            ...(deadlineBefore !== undefined && { deadlineBefore: deadlineBefore + 1 }),
          },
          context,
        ),
    }),
    ["R7 only records whose deadline is before a time"],
  ),
  broken(
    "leaves a record with its former owner at a takeover",
    ({ takeOver }) => ({
      takeOver: (tables, request, context) =>
        takeOver(
          losing(tables, (table) => table === unfinishedTable),
          request,
          context,
        ),
    }),
    ["R7 a takeover moves a record"],
  ),
  broken(
    "keeps a record with its former owner, too",
    ({ takeOver }) => ({
      takeOver: (tables, request, context) =>
        takeOver(
          losing(tables, (table, _key, value) => table === unfinishedTable && value === undefined),
          request,
          context,
        ),
    }),
    ["R7 a takeover moves a record"],
  ),
  broken(
    "keeps what has ended",
    ({ end }) => ({
      end: (tables, request, context) =>
        end(
          losing(tables, (table) => table === unfinishedTable),
          request,
          context,
        ),
    }),
    ["R7 owners of unfinished records are listed"],
  ),
  broken(
    "lists an owner again that it was asked to go on after",
    ({ owners }) => ({
      owners: (tables, { after, limit }, context) =>
        owners(tables, after === undefined ? { limit } : { after: after.slice(0, -1), limit }, context),
    }),
    ["R7 owners of unfinished records are listed"],
  ),
  broken(
    "indexes a rebuilt record as if it had just begun",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        const record: TransactionRecord | null = rebuild(tables, request, context);
        if (record === null) return record;
        removeFromIndex(tables, record.txId);
        addUnfinished(tables, { ...record, deadlineAt: context.now });
        return record;
      },
    }),
    ["R7 a rebuilt record"],
  ),
];
