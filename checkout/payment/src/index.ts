/** Users: a ledger of credit. @module */
export * from "./payment-app.ts";
export * from "./payment-service.ts";
export * from "./payment-store.ts";
