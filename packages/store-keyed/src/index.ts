/** Log, rows, branch store and lease over any ordered key-value engine with atomic batches. @module */
export * from "./batch-tables.ts";
export * from "./branch-operations.ts";
export * from "./executor.ts";
export * from "./key-order.ts";
export * from "./keyed-branch-store.ts";
export * from "./keyed-engine.ts";
export * from "./keyed-log.ts";
export * from "./lease-operations.ts";
export * from "./log-operations.ts";
export * from "./once.ts";
export * from "./once-sweeper.ts";
export * from "./probe.ts";
export * from "./row-change.ts";
export * from "./row-operations.ts";
export * from "./step.ts";
export * from "./time-key.ts";
export * from "./unfinished-index.ts";
