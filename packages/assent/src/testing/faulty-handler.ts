// A handler on which the faults of a test world strike, and one that stands in for a service that nobody serves.
import { stepOfBranch } from "../api/run-result.ts";
import type { AsyncBranchHandler, AsyncBranchStep } from "../participant/index.ts";
import type { ActionResult, BranchAction, Json } from "../protocol/index.ts";
import { type Faults, InjectedFailure, type Phase } from "./faults.ts";

const phases: Readonly<Record<BranchAction, Phase>> = {
  prepare: "vote",
  execute: "vote",
  commit: "decision",
  abort: "decision",
  compensate: "decision",
  reapply: "decision",
};

/** Those that may return an output. */
const returning: readonly BranchAction[] = ["prepare", "execute", "reapply"];

export function faultyHandler<Db>(handler: AsyncBranchHandler<Db>, faults: Faults): AsyncBranchHandler<Db> {
  const run = (action: BranchAction) => async (branch: AsyncBranchStep<Db>) => {
    const [step, phase] = [stepOfBranch(branch.branchId), phases[action]];
    const refusal = phase === "vote" ? faults.strike("refuse", step, phase) : undefined;
    if (refusal !== undefined) return { kind: "refused", reason: refusal.reason } as const;
    const fails = faults.strike("fail", step, phase) !== undefined;
    const result = await handler[action](branch);
    // Only now: what the handler has done must not be kept.
    if (fails) throw new InjectedFailure(step, phase);
    return result;
  };
  return handlerOf(run);
}

/** Accepts everything, and returns what the test gave for the step. */
export function acceptingHandler(outputs: ReadonlyMap<string, Json>): AsyncBranchHandler<unknown> {
  return handlerOf((action) => ({ branchId }) => {
    const output = outputs.get(stepOfBranch(branchId));
    return output !== undefined && returning.includes(action) ? { kind: "ok", output } : { kind: "ok" };
  });
}

function handlerOf<Db>(
  run: (action: BranchAction) => (branch: AsyncBranchStep<Db>) => ActionResult | Promise<ActionResult>,
): AsyncBranchHandler<Db> {
  return {
    prepare: run("prepare"),
    commit: run("commit"),
    abort: run("abort"),
    execute: run("execute"),
    compensate: run("compensate"),
    reapply: run("reapply"),
  };
}
