/** The public door: declare services and transactions, take part, coordinate. @module */
export { Coordinator, coordinator, type CoordinatorOptions, NotStarted } from "./coordinator.ts";
export type { HandlerStep, ServiceHandlers } from "./handlers.ts";
export type { AbortReason, RunResult } from "./run-result.ts";
export { serve, type Served, type ServeOptions } from "./serve.ts";
export { type Action, type Service, service } from "./service.ts";
export type { Step } from "./step.ts";
export { type Transaction, transaction } from "./transaction.ts";
export type { TransactionHandle } from "./transaction-handle.ts";
