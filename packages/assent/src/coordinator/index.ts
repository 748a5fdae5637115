/** The coordinator: define a transaction, run it, recover. @module */
export * from "./admission.ts";
export * from "./backoff.ts";
export * from "./breakers.ts";
export {
  type AnyTransaction,
  type BranchPlan,
  checkContent,
  defineTransaction,
  InvalidDefinition,
  planBranches,
  type PlanLimits,
  type StepDefinition,
  type Transaction,
  type TransactionDefinition,
} from "./definition.ts";
export * from "./leadership.ts";
export * from "./orchestrator.ts";
export type { OrchestratorOptions } from "./orchestrator-options.ts";
export * from "./ownership.ts";
export type { RunRequest } from "./run-request.ts";
export { comeBackAfterMs, type RunResult } from "./run-result.ts";
export * from "./selector.ts";
export * from "./standard-schema.ts";
export type { TransactionStatus } from "./transaction-status.ts";
export * from "./unfinished.ts";
