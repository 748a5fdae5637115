/** Items: a ledger of stock, with prices. @module */
export * from "./stock-app.ts";
export * from "./stock-service.ts";
export * from "./stock-store.ts";
