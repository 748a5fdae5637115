/** Recorded load on a checkout system, and the check of its behaviour under that load. @module */
export * from "./judge/api-books.ts";
export * from "./load/attempt.ts";
export * from "./chaos-run.ts";
export * from "./faults/cut-network.ts";
export * from "./faults/fault.ts";
export * from "./faults/cases.ts";
export * from "./faults/kills.ts";
export * from "./load/history-figures.ts";
export * from "./load/history.ts";
export * from "./judge/judge-shop.ts";
export * from "./judge/judge.ts";
export * from "./load/shop-load.ts";
export * from "./load/shop.ts";
export * from "./system-under-test.ts";
export * from "./judge/store-books.ts";
