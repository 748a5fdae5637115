// P7: after a durable end every branch is told to forget, again and again until it has acknowledged that. A branch that
// stays silent is left after `forgetAttempts` tries: no end of a participant's silence keeps a driver alive. It asks by
// itself (P6), and the log asks it again before the outcome is removed.
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

/** Only forward-final branches wait for `forget`: what ended backward goes by its age, and never asks. */
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

/** Nobody is asked any more: each has acknowledged, or is left to the log. */
function settled(state: CoordinatorState): CoordinatorStep {
  const isOpen = state.branches.some(({ status }) => status === "asked");
  return { state: isOpen ? state : { ...state, stage: "ended" }, effects: [] };
}
