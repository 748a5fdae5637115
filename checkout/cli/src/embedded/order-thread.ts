// The thread of orders.db: the transaction log and the orders.
import { orderOperations } from "@assent/order/store";
import { OnceSweeper } from "assent/internal/engine";
import { hostStore } from "@assent/sqlite";
import { systemClock } from "assent/node";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { StoreThreadData } from "./store-threads.ts";

if (parentPort !== null) serve(parentPort);

function serve(port: MessagePort): void {
  // The process that starts this thread passes nothing else.
  const { path, limits } = workerData as StoreThreadData;
  const { executor } = hostStore({ port, path, operations: orderOperations(limits) });
  const report = (error: unknown): void => console.error("assent: order: sweep:", error);
  new OnceSweeper({ executor, clock: systemClock, report }).start();
}
