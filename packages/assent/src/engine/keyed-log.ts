// The ports `TransactionLog` and `RowStore` over an executor.
import type { RowStore, TransactionLog, UnfinishedPlace } from "../ports/index.ts";
import type { Executor } from "./executor.ts";
import type { logOperations } from "./log-operations.ts";
import type { rowOperations } from "./row-operations.ts";

export type LogOperations = ReturnType<typeof logOperations>;
export type RowOperations = typeof rowOperations;

export function keyedLog(executor: Executor<LogOperations>): TransactionLog {
  return {
    begin: (request) => executor.run("begin", request),
    decide: (request) => executor.run("decide", request),
    end: (request) => executor.run("end", request),
    takeOver: (request) => executor.run("takeOver", request),
    park: (request) => executor.run("park", request),
    read: async (txId) => (await executor.run("readRecord", { txId })) ?? undefined,
    peek: async (key) => (await executor.run("peek", { key })) ?? undefined,
    owners: (after, limit) => executor.run("owners", after === undefined ? { limit } : { after, limit }),
    unfinished: (owner, { after, ...range }) =>
      executor.run("unfinished", { owner, ...range, ...(after !== undefined && { after: placeOf(after) }) }),
    history: (txId) => executor.run("history", { txId }),
    rebuild: async (record) => (await executor.run("rebuild", { record })) ?? undefined,
    sweep: (limit) => executor.run("sweepLog", { limit }),
    remove: (places) => executor.run("removeSwept", { places }),
    postpone: (places) => executor.run("postponeSwept", { places }),
  };
}

/** A whole record is more than has to travel. */
const placeOf = ({ deadlineAt, txId }: UnfinishedPlace): UnfinishedPlace => ({ deadlineAt, txId });

export function keyedRows(executor: Executor<RowOperations>): RowStore {
  return {
    putRow: async (key, incarnation, fields) => void (await executor.run("putRow", { key, incarnation, fields })),
    putRows: async (incarnation, rows) => void (await executor.run("putRows", { incarnation, rows })),
    readRow: async (key) => (await executor.run("readRow", { key })) ?? undefined,
    changeRow: (key, change) => executor.run("changeRow", { key, change }),
  };
}
