// The branch records of a participant over tables, with the index of those that are due.
import { applyCommand, type BranchHandler, type BranchSweep, type Tables } from "@assent/orchestrator";
import {
  type Answer,
  type BranchRecord,
  type Command,
  type Limits,
  type Question,
  removableAt,
  shouldAsk,
} from "@assent/protocol";
import type { StepContext } from "./step.ts";
import { StepView } from "./step-view.ts";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

const branchTable = "branches";
/** What a branch needs to ask its question, apart from the record: written once, not with every change. */
const originTable = "branch_origins";
const dueTable = "branches_due";

type BranchLimitsUsed = Pick<Limits, "maxAgeMs" | "clockSkewMs" | "askAfterMs">;

const branchKey = (txId: string, branchId: string): string => `${txId}/${branchId}`;

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the operations' types are the point
export function branchOperations(handler: BranchHandler<Tables>, limits: BranchLimitsUsed) {
  return {
    apply(tables: Tables, command: Command, { now }: StepContext): Answer {
      const records = {
        read: (txId: string, branchId: string) =>
          tables.get(branchTable, branchKey(txId, branchId)) as BranchRecord | undefined,
        write(record: BranchRecord, before: BranchRecord | undefined) {
          const key = branchKey(record.txId, record.branchId);
          const { origin, ...kept } = record;
          tables.put(branchTable, key, kept as never);
          if (before === undefined && origin !== undefined && shouldAsk(record)) tables.put(originTable, key, origin);
          else if (before !== undefined && shouldAsk(before) && !shouldAsk(record)) tables.delete(originTable, key);
          // One entry per record, moved only when it falls due: what ends in time costs the index one write.
          if (before === undefined) tables.put(dueTable, timeKey(now + limits.askAfterMs, key), null);
        },
      };
      const view = new StepView(tables);
      try {
        return applyCommand(command, { records, view, handler, limits, now });
      } finally {
        view.close();
      }
    },

    readBranch(tables: Tables, { txId, branchId }: { txId: string; branchId: string }): BranchRecord | null {
      const key = branchKey(txId, branchId);
      const record = tables.get(branchTable, key) as BranchRecord | undefined;
      if (record === undefined) return null;
      const origin = tables.get(originTable, key);
      return typeof origin === "string" ? { ...record, origin } : record;
    },

    sweepBranches(tables: Tables, { limit }: { limit: number }, { now }: StepContext): BranchSweep {
      const due = tables.scan(dueTable, { before: timeKey(now, ""), limit });
      const questions: Question[] = [];
      for (const [dueKey] of due) {
        const key = keyOfTimeKey(dueKey);
        tables.delete(dueTable, dueKey);
        const record = tables.get(branchTable, key) as BranchRecord | undefined;
        if (record === undefined) continue;
        const goneAt = removableAt(record, limits);
        if (goneAt !== undefined && goneAt <= now) {
          tables.delete(branchTable, key);
          continue;
        }
        tables.put(dueTable, timeKey(goneAt ?? now + limits.askAfterMs, key), null);
        const origin = shouldAsk(record) ? tables.get(originTable, key) : undefined;
        if (typeof origin === "string") questions.push(questionOf(record, origin));
      }
      return { questions, more: due.length === limit };
    },
  };
}

function questionOf({ txId, branchId, protocol, epoch, begunAt }: BranchRecord, origin: string): Question {
  return { txId, branchId, protocol, epoch, begunAt, origin };
}
