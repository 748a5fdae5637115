// P7: after a durable end `forget` is sent to every branch until the branch acknowledges it. After `forgetAttempts`
// tries a silent branch is given up, so that a silent participant keeps no driver alive. The branch asks by itself
// (P6), and the log's sweep asks it again before it removes the outcome.
import {
  type BranchProgress,
  branchOf,
  type CoordinatorContext,
  type CoordinatorEffect,
  type CoordinatorState,
  type CoordinatorStep,
  idOf,
  retryLater,
  withBranch,
} from "./coordinator-state.ts";
import type { Answer } from "./messages.ts";
import { decisionOf } from "./transaction-record.ts";

/** Only forward-final branches wait for `forget`: a backward-final one is removed by its age, and never asks. */
export function sendForget(state: CoordinatorState): CoordinatorStep {
  if (decisionOf(state.record) === "abort") return { state: { ...state, stage: "ended" }, effects: [] };
  const branches = state.branches.map(({ spec }): BranchProgress => ({ spec, status: "asked", attempts: 0 }));
  const effects = branches.map((branch): CoordinatorEffect => ({
    type: "SendCommand",
    branchId: idOf(branch),
    verb: "forget",
  }));
  return { state: { ...state, stage: branches.length === 0 ? "ended" : "forgetting", branches }, effects };
}

export function answeredForget(
  state: CoordinatorState,
  { branchId, answer }: { branchId: string; answer: Answer },
  context: CoordinatorContext,
): CoordinatorStep {
  const branch = branchOf(state, branchId);
  if (branch.status !== "asked") return { state, effects: [] };
  if (answer.kind === "forgotten") return settled(withBranch(state, { ...branch, status: "done" }));
  const step = unansweredForget(state, branch, context);
  if (answer.kind !== "conflict") return step;
  const alarm = { type: "RaiseAlarm", code: "conflict", branchId, detail: JSON.stringify(answer) } as const;
  return { state: step.state, effects: [alarm, ...step.effects] };
}

export function unansweredForget(
  state: CoordinatorState,
  branch: BranchProgress,
  { limits }: CoordinatorContext,
): CoordinatorStep {
  const attempts = branch.attempts + 1;
  if (attempts >= limits.forgetAttempts) return settled(withBranch(state, { ...branch, attempts, status: "idle" }));
  return retryLater(state, { ...branch, attempts }, { verb: "forget", delay: { kind: "backoff", attempts } });
}

/** No `forget` is sent any more: each branch has acknowledged, or is left to the log's sweep. */
function settled(state: CoordinatorState): CoordinatorStep {
  const isOpen = state.branches.some(({ status }) => status === "asked");
  return { state: isOpen ? state : { ...state, stage: "ended" }, effects: [] };
}
