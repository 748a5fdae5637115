// The port `BranchStore` over an executor.
import { HandlerFailed } from "../participant/index.ts";
import { type BranchFailure, type BranchStore } from "../ports/index.ts";
import { type Answer, type Command, handlerFailed, InvariantViolation } from "../protocol/index.ts";
import type { branchOperations } from "./branch-operations.ts";
import type { Executor } from "./executor.ts";
import { StoreFailure } from "./step.ts";

export type BranchOperations = ReturnType<typeof branchOperations>;

export function keyedBranchStore(executor: Executor<BranchOperations>): BranchStore {
  type OnFailure = ((failure: BranchFailure) => void) | undefined;
  const applyOne = (command: Command, onFailure: OnFailure): Promise<Answer> =>
    executor.run("apply", command).catch((error: unknown): Answer => {
      if (!(error instanceof StoreFailure)) throw error;
      const { cause } = error;
      // A retry would hit the same bug, so it is reported to the operator.
      if (cause instanceof HandlerFailed || cause instanceof InvariantViolation) onFailure?.({ command, error: cause });
      // A failed step changed nothing and a broken commit is anybody's guess: either way nothing may be concluded.
      return { kind: "unknown", reason: cause instanceof HandlerFailed ? handlerFailed : error.code };
    });
  return {
    apply: (commands, onFailure) => Promise.all(commands.map((command) => applyOne(command, onFailure))),
    sweep: (limit) => executor.run("sweepBranches", { limit }),
  };
}
