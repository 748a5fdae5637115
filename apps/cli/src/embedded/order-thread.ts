// The thread of orders.db: the transaction log and the orders.
import { orderOperations } from "@assent/order";
import { OnceSweeper } from "@assent/store-keyed";
import { hostStore } from "@assent/store-sqlite";
import { systemClock } from "@assent/system";
import { parentPort, workerData } from "node:worker_threads";
import type { StoreThreadData } from "./store-threads.ts";

if (parentPort === null) throw new Error("order-thread runs as a worker");
const { path, limits } = workerData as StoreThreadData;
const { executor } = hostStore({ port: parentPort, path, operations: orderOperations(limits) });
const report = (error: unknown): void => console.error("assent: order: sweep:", error);
new OnceSweeper({ executor, clock: systemClock, report }).start();
