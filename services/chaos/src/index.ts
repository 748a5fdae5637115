/** Recorded load on a checkout system, and the judge of what the system did under it. @module */
export * from "./api-books.ts";
export * from "./attempt.ts";
export * from "./chaos-run.ts";
export * from "./cut-network.ts";
export * from "./fault.ts";
export * from "./faults.ts";
export * from "./history-figures.ts";
export * from "./history.ts";
export * from "./judge-shop.ts";
export * from "./judge.ts";
export * from "./shop-load.ts";
export * from "./shop.ts";
export * from "./stage.ts";
export * from "./store-books.ts";
