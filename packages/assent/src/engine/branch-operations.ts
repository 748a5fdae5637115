// The branch records of a participant over tables.
import { applyCommand, type BranchHandler, type BranchRecords } from "../participant/index.ts";
import { type BranchSweep, operation, type StepContext, table, type Table, type Tables } from "../ports/index.ts";
import {
  type Answer,
  type BranchRecord,
  type Command,
  type Limits,
  type Question,
  shouldAsk,
} from "../protocol/index.ts";
import { readStoredBranch, removeOldBranches, sweepAsking, writeStoredBranch } from "./branch-index.ts";
import { StepView } from "./step-view.ts";

/** What a branch needs to ask its question, apart from the record: written once, not with every change. */
export const originTable: Table<string> = table("branch_origins", "records");

type BranchLimitsUsed = Pick<Limits, "maxAgeMs" | "clockSkewMs" | "askAfterMs">;

const branchKey = (txId: string, branchId: string): string => `${txId}/${branchId}`;

type BranchContext = StepContext & { readonly limits: BranchLimitsUsed };
type ApplyContext = BranchContext & { readonly handler: BranchHandler<Tables> };

/** The branch records of a service, in these tables. */
export function branchRecords(tables: Tables, limits: BranchLimitsUsed): BranchRecords {
  return {
    read: (txId, branchId) => readStoredBranch(tables, branchKey(txId, branchId)),
    write(record, before) {
      const key = branchKey(record.txId, record.branchId);
      const { origin, ...after } = record;
      writeStoredBranch(tables, { key, before, after }, limits);
      if (before === undefined && origin !== undefined && shouldAsk(record)) tables.put(originTable, key, origin);
      else if (before !== undefined && shouldAsk(before) && !shouldAsk(record)) tables.delete(originTable, key);
    },
  };
}

/** Removes what may go, and returns the questions of branches that have waited too long. */
export function sweepBranches(tables: Tables, limit: number, { now, limits }: BranchContext): BranchSweep {
  const { looked, asking } = sweepAsking(tables, { limit, now }, limits);
  const removed = removeOldBranches(tables, { limit: limit - looked, now }, limits);
  const questions = asking.flatMap(([key, record]) => {
    const origin = tables.get(originTable, key);
    return origin === undefined ? [] : [questionOf(record, origin)];
  });
  return { questions, more: looked + removed === limit };
}

export const branchOperations = {
  apply: operation("apply", (tables, command: Command, { now, limits, handler }: ApplyContext): Answer => {
    const records = branchRecords(tables, limits);
    const view = new StepView(tables);
    try {
      return applyCommand(command, { records, view, handler, limits, now });
    } finally {
      view.close();
    }
  }),

  readBranch: operation(
    "readBranch",
    (tables, { txId, branchId }: { readonly txId: string; readonly branchId: string }): BranchRecord | null => {
      const key = branchKey(txId, branchId);
      const stored = readStoredBranch(tables, key);
      if (stored === undefined) return null;
      const { asksAgainAt: _asksAgainAt, ...record } = stored;
      const origin = tables.get(originTable, key);
      return origin === undefined ? record : { ...record, origin };
    },
  ),

  sweepBranches: operation(
    "sweepBranches",
    (tables, { limit }: { readonly limit: number }, context: BranchContext): BranchSweep =>
      sweepBranches(tables, limit, context),
  ),
};

function questionOf({ txId, branchId, protocol, epoch, begunAt }: BranchRecord, origin: string): Question {
  return { txId, branchId, protocol, epoch, begunAt, origin };
}
