// The ports `TransactionLog` and `RowStore` over an executor.
import type { RowStore, TransactionLog, UnfinishedPlace } from "../ports/index.ts";
import type { Executor } from "./executor.ts";
import { logOperations } from "./log-operations.ts";
import { rowOperations } from "./row-operations.ts";

export function keyedLog(executor: Executor): TransactionLog {
  return {
    begin: (request) => executor.run(logOperations.begin, request),
    decide: (request) => executor.run(logOperations.decide, request),
    end: (request) => executor.run(logOperations.end, request),
    takeOver: (request) => executor.run(logOperations.takeOver, request),
    park: (request) => executor.run(logOperations.park, request),
    read: async (txId) => (await executor.run(logOperations.readRecord, { txId })) ?? undefined,
    peek: async (key) => (await executor.run(logOperations.peek, { key })) ?? undefined,
    owners: (after, limit) => executor.run(logOperations.owners, after === undefined ? { limit } : { after, limit }),
    unfinished: (owner, { after, ...range }) =>
      executor.run(logOperations.unfinished, {
        owner,
        ...range,
        ...(after !== undefined && { after: placeOf(after) }),
      }),
    history: (txId) => executor.run(logOperations.history, { txId }),
    rebuild: async (record) => (await executor.run(logOperations.rebuild, { record })) ?? undefined,
    sweep: (limit) => executor.run(logOperations.sweepLog, { limit }),
    remove: (places) => executor.run(logOperations.removeSwept, { places }),
    postpone: (places) => executor.run(logOperations.postponeSwept, { places }),
  };
}

/** A whole record is more than has to travel. */
const placeOf = ({ deadlineAt, txId }: UnfinishedPlace): UnfinishedPlace => ({ deadlineAt, txId });

export function keyedRows(executor: Executor): RowStore {
  return {
    putRow: async (key, incarnation, fields) =>
      void (await executor.run(rowOperations.putRow, { key, incarnation, fields })),
    putRows: async (incarnation, rows) => void (await executor.run(rowOperations.putRows, { incarnation, rows })),
    readRow: async (key) => (await executor.run(rowOperations.readRow, { key })) ?? undefined,
    changeRow: (key, change) => executor.run(rowOperations.changeRow, { key, change }),
  };
}
