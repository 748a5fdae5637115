// Applies one command to one branch inside an atomic step that the store provides.
import {
  type Answer,
  type BranchContext,
  type BranchLimits,
  type BranchRecord,
  type Command,
  invariant,
  judgeCommand,
  type BranchAction,
  settleCommand,
  type Settlement,
} from "../protocol/index.ts";
import type { BranchHandler, BranchSubject } from "./branch-handler.ts";
import { resultOf } from "./handler-result.ts";

/** The branch records inside the atomic step. */
export interface BranchRecords {
  read(txId: string, branchId: string): BranchRecord | undefined;
  /** `before` is the record that `read` returned. */
  write(record: BranchRecord, before: BranchRecord | undefined): void;
}

export interface CommandStep<View> {
  readonly records: BranchRecords;
  readonly view: View;
  readonly handler: BranchHandler<View>;
  readonly limits: BranchLimits;
  /** Store time, epoch milliseconds. */
  readonly now: number;
}

/**
 * The caller makes the record and the handler's effects durable together, and only then sends the answer.
 * @throws {HandlerFailed} and then nothing of the step may be kept
 */
export function applyCommand<View>(command: Command, step: CommandStep<View>): Answer {
  const { records, view, handler, now } = step;
  const before = records.read(command.txId, command.branchId);
  const work = branchWork(before, command, step);
  const settlement =
    work.kind === "answer"
      ? work
      : settleCommand(before, command, {
          operation: work.operation,
          result: resultOf(work.operation, () => handler[work.operation]({ view, ...work.about })),
          now,
        });
  if (settlement.record !== undefined) records.write(settlement.record, before);
  return settlement.answer;
}

/** A command's answer, with the record to write; or the operation that has to run first. */
export type BranchWork =
  | ({ readonly kind: "answer" } & Settlement)
  | { readonly kind: "run"; readonly operation: BranchAction; readonly about: BranchSubject };

/** What a command means for a branch, and with which data its handler runs. Pure. */
export function branchWork(before: BranchRecord | undefined, command: Command, context: BranchContext): BranchWork {
  const judgement = judgeCommand(before, command, context);
  if (judgement.kind === "answer") return judgement;
  const { operation } = judgement;
  // Null is a payload like any other.
  const payload = before?.payload === undefined ? command.payload : before.payload;
  invariant(payload !== undefined, "P9", `${operation} has a payload`);
  const { txId, branchId } = command;
  return {
    kind: "run",
    operation,
    about: { txId, branchId, payload, memo: before?.memo, output: before?.output, now: context.now },
  };
}
