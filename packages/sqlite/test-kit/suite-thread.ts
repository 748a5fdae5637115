// The thread of a store with the operations of every port, which can be made empty again: a thread for each case of a
// suite would take longer than all cases. Its time is the test's: the wall clock of this thread reads a cell that the
// test's thread writes.
import { keyedOperations } from "@assent/conformance";
import type { BoundOperation, BoundOperations } from "assent/internal/engine";
import { hostStore } from "@assent/sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { makeEmpty, noting } from "./noted-tables.ts";

export interface SuiteThreadData {
  readonly path: string;
  /** Epoch milliseconds, one cell. */
  readonly time: SharedArrayBuffer;
}

const { path, time } = workerData as SuiteThreadData;
const cell = new BigInt64Array(time);
Date.now = () => Number(Atomics.load(cell, 0));

let current: BoundOperations = keyedOperations();

const operations = Object.keys(current).map((name): [string, BoundOperation] => [
  name,
  (tables, input, context) => current[name]?.(noting(tables), input, context),
]);

/** Operations with state of their own begin anew, too. */
const emptied: BoundOperation = (tables, _nothing, context) => {
  current = keyedOperations();
  return makeEmpty.step(tables, undefined, context);
};

if (parentPort === null) throw new Error("this module runs as a thread");
hostStore({ port: parentPort, path, operations: { ...Object.fromEntries(operations), [makeEmpty.name]: emptied } });
