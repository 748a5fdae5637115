// Applies one command to one branch inside an atomic step that the store provides.
import {
  type Answer,
  type BranchLimits,
  type BranchRecord,
  type Command,
  invariant,
  judgeCommand,
  settleCommand,
} from "../protocol/index.ts";
import type { BranchHandler } from "./branch-handler.ts";
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
  const { records, view, handler, limits, now } = step;
  const before = records.read(command.txId, command.branchId);
  const judgement = judgeCommand(before, command, { now, limits });
  if (judgement.kind === "answer") {
    if (judgement.record !== undefined) records.write(judgement.record, before);
    return judgement.answer;
  }
  const { operation } = judgement;
  // Null is a payload like any other.
  const payload = before?.payload === undefined ? command.payload : before.payload;
  invariant(payload !== undefined, "P9", `${operation} has a payload`);
  const { txId, branchId } = command;
  const result = resultOf(operation, () =>
    handler[operation]({ view, txId, branchId, payload, memo: before?.memo, now }),
  );
  const settlement = settleCommand(before, command, { operation, result, now });
  if (settlement.record !== undefined) records.write(settlement.record, before);
  return settlement.answer;
}
