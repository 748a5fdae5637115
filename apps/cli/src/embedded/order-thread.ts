// The thread of orders.db: the transaction log and the orders.
import { orderOperations } from "@assent/order";
import { hostStore } from "@assent/store-sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { onceSweepEveryMs, onceSweepMax, type StoreThreadData } from "./store-threads.ts";

if (parentPort === null) throw new Error("order-thread runs as a worker");
const { path, limits } = workerData as StoreThreadData;
const { executor } = hostStore({ port: parentPort, path, operations: orderOperations(limits) });
setInterval(() => {
  // A full disk, for one: it is told and tried again.
  executor.run("sweepOnce", { limit: onceSweepMax }).catch((error: unknown) => console.error("assent: sweep:", error));
}, onceSweepEveryMs);
