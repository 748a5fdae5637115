/** The ports of the library: what it needs from a store, a transport, a clock. @module */
export * from "./gathering.ts";
export * from "./key-owner.ts";
export * from "./branch-store.ts";
export * from "./bus.ts";
export * from "./clock.ts";
export * from "./coordinator-store.ts";
export * from "./lease.ts";
export * from "./observer.ts";
export * from "./operation.ts";
export * from "./outbox.ts";
export * from "./question-endpoint.ts";
export * from "./random.ts";
export * from "./served-names.ts";
export * from "./tables.ts";
export * from "./transaction-log.ts";
export * from "./transport.ts";
