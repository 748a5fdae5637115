// The state machines of a world. They are the real ones unless a test applies a mutant.
import {
  awaitsForget,
  type BranchRecord,
  coordinate,
  judgeCommand,
  nextEpoch,
  settleCommand,
  shouldAsk,
  type TransactionRecord,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "assent/internal/protocol";

export interface Machines {
  readonly coordinate: typeof coordinate;
  readonly judgeCommand: typeof judgeCommand;
  readonly settleCommand: typeof settleCommand;
  readonly writeDecision: typeof writeDecision;
  readonly writeEnd: typeof writeEnd;
  readonly writeTakeover: typeof writeTakeover;
  readonly writePark: typeof writePark;
  readonly nextEpoch: typeof nextEpoch;
  readonly shouldAsk: typeof shouldAsk;
  /** P7: whether an ended record may be removed: every branch has acknowledged `forget`, or has nothing to forget. */
  readonly mayRemove: (record: TransactionRecord, branches: readonly (BranchRecord | undefined)[]) => boolean;
  /** R5: the replacement of a missing record when a branch asks about it. */
  readonly rebuild: (lost: TransactionRecord) => TransactionRecord;
}

export const realMachines: Machines = {
  coordinate,
  judgeCommand,
  settleCommand,
  writeDecision,
  writeEnd,
  writeTakeover,
  writePark,
  nextEpoch,
  shouldAsk,
  mayRemove: (record, branches) =>
    !awaitsForget(record) || branches.every((branch) => branch === undefined || branch.forgotten),
  rebuild: (lost) => lost,
};
