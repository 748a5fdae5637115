// The port `BranchStore` over an executor.
import { failedAnswer } from "../participant/index.ts";
import { type BranchFailure, type BranchStore } from "../ports/index.ts";
import type { Answer, Command } from "../protocol/index.ts";
import { branchOperations } from "./branch-operations.ts";
import type { Executor } from "./executor.ts";
import { StoreFailure } from "./step.ts";

export function keyedBranchStore(executor: Executor): BranchStore {
  type OnFailure = ((failure: BranchFailure) => void) | undefined;
  const applyOne = (command: Command, onFailure: OnFailure): Promise<Answer> =>
    executor.run(branchOperations.apply, command).catch((error: unknown): Answer => {
      if (!(error instanceof StoreFailure)) throw error;
      return failedAnswer(error.cause, { command, code: error.code, onFailure });
    });
  return {
    apply: (commands, onFailure) => Promise.all(commands.map((command) => applyOne(command, onFailure))),
    sweep: (limit) => executor.run(branchOperations.sweepBranches, { limit }),
  };
}
