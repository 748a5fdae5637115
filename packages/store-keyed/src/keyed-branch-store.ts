// The port `BranchStore` over an executor.
import type { BranchStore } from "@assent/orchestrator";
import type { Answer, Command } from "@assent/protocol";
import type { branchOperations } from "./branch-operations.ts";
import type { Executor } from "./executor.ts";
import { StoreFailure } from "./step.ts";

export type BranchOperations = ReturnType<typeof branchOperations>;

export function keyedBranchStore(executor: Executor<BranchOperations>): BranchStore {
  const applyOne = (command: Command): Promise<Answer> =>
    executor.run("apply", command).catch((error: unknown): Answer => {
      // A failed step changed nothing and a broken commit is anybody's guess: either way nothing may be concluded.
      if (error instanceof StoreFailure) return { kind: "unknown", reason: error.code };
      throw error;
    });
  return {
    apply: (commands) => Promise.all(commands.map(applyOne)),
    sweep: (limit) => executor.run("sweepBranches", { limit }),
  };
}
