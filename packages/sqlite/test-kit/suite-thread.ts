// The thread of a store with the operations of every port, which can be made empty again: a thread for each case of a
// suite would take longer than all cases. Its time is the test's: the wall clock of this thread reads a cell that the
// test's thread writes.
import { keyedOperations, type KeyedOperations } from "@assent/conformance";
import { table, type Tables } from "assent/internal/ports";
import type { Operation } from "assent/internal/engine";
import { hostStore } from "@assent/sqlite";
import { parentPort, workerData } from "node:worker_threads";

export interface SuiteThreadData {
  readonly path: string;
  /** Epoch milliseconds, one cell. */
  readonly time: SharedArrayBuffer;
}

export type SuiteOperations = KeyedOperations & { readonly makeEmpty: (tables: Tables) => null };

const { path, time } = workerData as SuiteThreadData;
const cell = new BigInt64Array(time);
Date.now = () => Number(Atomics.load(cell, 0));

let current: Readonly<Record<string, Operation>> = keyedOperations();
const tablesUsed = new Set<string>();

/** Tables that remember their names. */
function noting(tables: Tables): Tables {
  return {
    get: (table, key) => tables.get(table, key),
    scan: (table, range) => tables.scan(table, range),
    delete: (table, key) => tables.delete(table, key),
    put(used, key, row) {
      tablesUsed.add(used.name);
      tables.put(used, key, row);
    },
  };
}

function makeEmpty(tables: Tables): null {
  for (const name of tablesUsed) {
    const used = table<unknown>(name, "ordered");
    for (const [key] of tables.scan(used, { limit: 1_000_000 })) tables.delete(used, key);
  }
  current = keyedOperations();
  return null;
}

const operations = Object.keys(current).map((name): [string, Operation] => [
  name,
  (tables: Tables, args, context) => current[name]?.(noting(tables), args, context),
]);

if (parentPort === null) throw new Error("this module runs as a thread");
hostStore({ port: parentPort, path, operations: { ...Object.fromEntries(operations), makeEmpty } });
