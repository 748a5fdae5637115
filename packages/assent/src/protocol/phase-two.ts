// Phase 2: driving a durable decision until every branch has acknowledged it (R4).
//
// Forward goes to all branches at once. Backward goes in reverse dependency order: a branch is released only after
// every branch that came after it. A branch that refused has a tombstone already and gets no command.
import {
  type AlarmCode,
  type BranchProgress,
  type CoordinatorContext,
  type CoordinatorEffect,
  type CoordinatorState,
  type CoordinatorStep,
  retryLater,
  withPark,
} from "./coordinator-state.ts";
import { invariant } from "./invariant.ts";
import type { Answer } from "./messages.ts";
import { decisionOf, type TransactionRecord } from "./transaction-record.ts";
import { type Decision, decisionVerb, isBackwardFinal, isForwardFinal, type Verb } from "./verbs.ts";

/** Starts phase 2 of a record whose decision is durable. */
export function sendPhaseTwo(state: CoordinatorState): CoordinatorStep {
  const decision = decisionOf(state.record);
  invariant(decision !== undefined, "C3", "phase 2 needs a durable decision");
  const branches = state.branches.map((branch): BranchProgress => {
    const settled = decision === "abort" && branch.status === "no";
    const neverAsked = state.role === "owner" && branch.status === "idle";
    return { spec: branch.spec, status: settled ? "done" : "idle", attempts: 0, neverAsked };
  });
  return sendNext({ ...state, stage: "finishing", branches }, decision);
}

function sendNext(state: CoordinatorState, decision: Decision): CoordinatorStep {
  const verb = decisionVerb(state.record.protocol, decision);
  const ready = decision === "commit" ? (): boolean => true : nextBackward(state.branches);
  const effects: CoordinatorEffect[] = [];
  const branches = state.branches.map((branch): BranchProgress => {
    if (branch.status !== "idle" || !ready(branch)) return branch;
    effects.push({ type: "SendCommand", branchId: branch.spec.branchId, verb });
    return { ...branch, status: "asked" };
  });
  if (branches.every((branch) => branch.status === "done")) {
    return {
      state: { ...state, branches, stage: "ending", decisionAttempts: 0 },
      effects: [...effects, { type: "WriteEnd" }],
    };
  }
  return { state: { ...state, branches }, effects };
}

/** Reverse dependency order: ready when every branch that named this one in `after` is done, or never ran. */
export function nextBackward(branches: readonly BranchProgress[]): (branch: BranchProgress) => boolean {
  return (branch) =>
    branches.every(
      ({ status, neverAsked, spec }) =>
        status === "done" || neverAsked === true || !spec.after.includes(branch.spec.branchId),
    );
}

/** What one answer to phase 2 means. */
export function answeredPhaseTwo(
  state: CoordinatorState,
  { branch, verb, answer }: { branch: BranchProgress; verb: Verb; answer: Answer },
  { now }: CoordinatorContext,
): CoordinatorStep {
  const decision = decisionOf(state.record);
  invariant(decision !== undefined, "C3", "phase 2 needs a durable decision");
  if (verb !== decisionVerb(state.record.protocol, decision) || branch.status === "done") return { state, effects: [] };
  if (acknowledges(answer, state.record, decision)) {
    const branches = state.branches.map((other) => (other === branch ? { ...branch, status: "done" as const } : other));
    return sendNext({ ...state, branches }, decision);
  }
  const code = alarmFor(answer);
  const branchId = branch.spec.branchId;
  const note = { reason: code, since: state.record.parked?.since ?? now, attempts: branch.attempts + 1 };
  const tried = { ...branch, attempts: note.attempts };
  const step = retryLater(withPark(state, note), tried, { verb, delay: { kind: "parked" } });
  const alarm = { type: "RaiseAlarm", code, branchId, detail: JSON.stringify(answer) } as const;
  return { state: step.state, effects: [alarm, { type: "Park", note }, ...step.effects] };
}

/**
 * For a backward verb, `expired` means that there is nothing to undo, now or later (P7). For a forward verb, it means
 * done if the record was rebuilt (R5): a yes vote stays until it is decided, and a carried-out branch until `forget`,
 * which is only sent after the end. If the record was never lost, a vote was lost.
 */
function acknowledges(answer: Answer, { rebuilt }: TransactionRecord, decision: Decision): boolean {
  if (answer.kind === "expired") return decision === "abort" || rebuilt === true;
  if (answer.kind !== "done") return false;
  return decision === "commit" ? isForwardFinal(answer.state) : isBackwardFinal(answer.state);
}

function alarmFor(answer: Answer): AlarmCode {
  if (answer.kind === "conflict") return "conflict";
  if (answer.kind === "mismatch") return "payload_mismatch";
  return answer.kind === "expired" ? "expired_in_phase_two" : "heuristic_hazard";
}
