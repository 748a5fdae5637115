/** The commit protocol as pure machines. Rules are cited by id; see docs/explanation/protocol.md. @module */
export * from "./bounds.ts";
export * from "./branch.ts";
export * from "./codec.ts";
export * from "./coordinator.ts";
export * from "./coordinator-state.ts";
export * from "./exact-json.ts";
export * from "./invariant.ts";
export * from "./json.ts";
export * from "./limits.ts";
export * from "./messages.ts";
export * from "./name.ts";
export * from "./recovery.ts";
export * from "./record-history.ts";
export * from "./transaction-id.ts";
export * from "./transaction-record.ts";
export * from "./verbs.ts";
export * from "./breaker.ts";
