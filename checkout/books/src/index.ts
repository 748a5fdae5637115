/** The audit of the books. @module */
export * from "./book-store.ts";
export * from "./judge-books.ts";
export * from "./judge-ledger.ts";
export * from "./judge-unmarked.ts";
export * from "./left-over.ts";
export * from "./purchases.ts";
export * from "./store-marks.ts";
