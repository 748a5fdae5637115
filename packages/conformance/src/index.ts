/** One suite of named cases per port: what every adapter has to keep; and a model of all ports beside it. @module */
export * from "./adapters.ts";
export * from "./branch-store-suite.ts";
export * from "./commands.ts";
export * from "./keyed-adapters.ts";
export * from "./keyed-engine-suite.ts";
export * from "./lease-suite.ts";
export * from "./ledger-suite.ts";
export * from "./log-requests.ts";
export * from "./long-run.ts";
export * from "./long-turns.ts";
export * from "./numbers.ts";
export { byBytes } from "./oracle/byte-order.ts";
export { type DifferentialOptions, differentialSuite } from "./oracle/differential.ts";
export * from "./suite.ts";
export * from "./test-clock.ts";
export * from "./transaction-log-suite.ts";
export * from "./transport-suite.ts";
export * from "./wire/conversations.ts";
