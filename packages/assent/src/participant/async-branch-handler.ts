// A handler that works in a database of its own, inside the transaction that also holds the branch's record.
import type { BranchAction, ActionResult } from "../protocol/index.ts";
import type { BranchSubject } from "./branch-handler.ts";

/** One business operation of one branch. `Db` is the transaction handle of the service's database driver. */
export interface AsyncBranchStep<Db> extends BranchSubject {
  readonly db: Db;
  /** Aborted when the operation has taken too long: nothing of it will be kept. */
  readonly signal: AbortSignal;
}

/**
 * The operations of `BranchHandler`, which may wait. Each runs at most once per branch, in one transaction with the
 * branch's record. What it throws rolls the transaction back and is answered `unknown`. What it did before it refused
 * is undone.
 */
export type AsyncBranchHandler<Db> = {
  readonly [Name in BranchAction]: (step: AsyncBranchStep<Db>) => ActionResult | Promise<ActionResult>;
};
