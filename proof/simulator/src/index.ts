/** The real state machines in a world of virtual time and seeded faults. @module */
export * from "./checkers/history.ts";
export * from "./checkers/violation.ts";
export * from "./explorer/index.ts";
export * from "./fault-plan.ts";
export * from "./simulated-bus.ts";
export * from "./simulated-process.ts";
export * from "./simulated-store.ts";
export * from "./trace.ts";
