/** Fault injection: rules over HTTP, and ports that apply them. @module */
export * from "./fault-app.ts";
export * from "./fault-control.ts";
export * from "./fault-rule.ts";
export * from "./fault-rules.ts";
export * from "./faulty-branch-store.ts";
export * from "./faulty-log.ts";
