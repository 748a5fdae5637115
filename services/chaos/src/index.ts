/** Recorded load on a checkout system, and the judge of what the system did under it. @module */
export * from "./api-books.ts";
export * from "./attempt.ts";
export * from "./history.ts";
export * from "./history-figures.ts";
export * from "./judge.ts";
export * from "./judge-shop.ts";
export * from "./shop.ts";
export * from "./shop-load.ts";
export * from "./store-books.ts";
