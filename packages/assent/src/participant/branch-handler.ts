// What a service writes to take part: what its branch does to the service's own data, inside the branch's atomic step.
import type { Json, BranchAction, ActionResult } from "../protocol/index.ts";

/** What an operation of a handler is about. */
export interface BranchSubject {
  readonly txId: string;
  readonly branchId: string;
  readonly payload: Json;
  /** What this branch's prepare or execute left for its later operations. */
  readonly memo: Json | undefined;
  /** What its vote returned to the caller. */
  readonly output: Json | undefined;
  /** Store time, epoch milliseconds. */
  readonly now: number;
}

/** One business operation of one branch. `View` is how the handler sees its data inside the atomic step. */
export interface BranchStep<View> extends BranchSubject {
  readonly view: View;
}

/**
 * Business operations of a participant. Each runs at most once per branch, synchronously, with its record in the same
 * atomic step; what it throws undoes the step and is answered `unknown`.
 *
 * - `prepare` reserves (two-phase commit), `commit` and `abort` settle the reservation.
 * - `execute` does the work at once (saga), `compensate` undoes it.
 * - `reapply` does a decided commit whose reservation was lost, or refuses with the reason for an operator (P9).
 *
 * Only `prepare`, `execute` and `reapply` may refuse; only `prepare` may answer `contended` (P10). The same three may
 * return an `output` for the caller of the transaction.
 */
export type BranchHandler<View> = {
  readonly [Name in BranchAction]: (step: BranchStep<View>) => ActionResult;
};
