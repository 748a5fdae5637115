// Where a participant keeps its branches: command, record and business effect are one atomic step.
import type { Answer, Command, Question } from "../protocol/index.ts";

export interface BranchStore {
  /**
   * Applies each command and its business effect in one atomic step of its own, durably, and answers with the stored
   * answer on a duplicate (P1–P5). One answer per command, in order; a step that failed, or whose durability is not
   * known, is answered `unknown`. Where a handler failed, the reason is `handler_failed`, and `onFailure` gets the
   * error. Never rejects.
   */
  apply(commands: readonly Command[], onFailure?: (failure: BranchFailure) => void): Promise<readonly Answer[]>;
  /**
   * Looks at up to `limit` records that are due: removes those that may go (P7), and returns the questions of those
   * that have waited too long (P6), which fall due again later. Rejects when the store cannot be read.
   */
  sweep(limit: number): Promise<BranchSweep>;
}

/** A step that failed by a bug, with its stack. */
export interface BranchFailure {
  readonly command: Command;
  readonly error: Error;
}

export interface BranchSweep {
  readonly questions: readonly Question[];
  /** As many as asked for were due, so more may be. */
  readonly more: boolean;
}
