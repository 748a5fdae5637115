// Phase 1, and its counterpart in recovery: asking the branches, and weighing what they answer.
//
// C1  commit is intended only when every branch voted yes (or R3 proves it).
// C2  intending asks for one durable write; nothing else follows before it is known to be written.
import {
  type BranchProgress,
  type BranchStatus,
  branchOf,
  type CoordinatorContext,
  type CoordinatorEffect,
  type CoordinatorState,
  type CoordinatorStep,
  idOf,
  type Intent,
  retryLater,
  withBranch,
  withPark,
} from "./coordinator-state.ts";
import { invariant } from "./invariant.ts";
import type { Json } from "./json.ts";
import { type Answer, handlerFailed } from "./messages.ts";
import { type Finding, weighAnswers } from "./recovery.ts";
import type { OperatorNote } from "./transaction-record.ts";
import { type Decision, isBackwardFinal, isForwardFinal, verbTable } from "./verbs.ts";

export function askVotes(state: CoordinatorState): CoordinatorStep {
  const voted = new Set(state.branches.filter((b) => b.status === "yes" || b.status === "forward").map(idOf));
  const effects: CoordinatorEffect[] = [];
  const branches = state.branches.map((branch): BranchProgress => {
    if (branch.status !== "idle" || !branch.spec.after.every((id) => voted.has(id))) return branch;
    effects.push({ type: "SendCommand", branchId: idOf(branch), verb: verbTable[state.record.protocol].vote });
    return { ...branch, status: "asked" };
  });
  return { state: { ...state, branches }, effects };
}

export function askQuestions(state: CoordinatorState): CoordinatorStep {
  const branches = state.branches.map((branch): BranchProgress => ({
    spec: branch.spec,
    status: "asked",
    attempts: 0,
  }));
  return {
    state: { ...state, stage: "questioning", branches },
    effects: branches.map((branch) => ({ type: "SendCommand", branchId: idOf(branch), verb: "query-or-prevent" })),
  };
}

/** What an answer to phase 1 or to a question proves about its branch. */
function readAnswer(answer: Answer): { status: BranchStatus; refusal?: string; output?: Json } {
  switch (answer.kind) {
    case "refused":
      return { status: "no", refusal: answer.reason };
    case "done":
      if (!isBackwardFinal(answer.state)) {
        const status = isForwardFinal(answer.state) ? "forward" : "yes";
        return answer.output === undefined ? { status } : { status, output: answer.output };
      }
      return answer.refusal === undefined ? { status: "no" } : { status: "no", refusal: answer.refusal };
    case "expired":
      return { status: "expired" };
    case "mismatch":
      return { status: "mismatch" };
    case "contended":
    case "fenced":
    case "conflict":
    case "hazard":
    case "unknown":
    case "forgotten":
      invariant(false, "C6", `${answer.kind} proves nothing`);
  }
}

function weighVotes(state: CoordinatorState, branchId: string): CoordinatorStep {
  const branch = branchOf(state, branchId);
  const refused = refusal(state);
  if (refused !== undefined) return refused;
  if (branch.status === "expired") return intend(state, "abort", "expired");
  if (branch.status === "mismatch") return formerLife(state, branchId);
  if (state.branches.every((b) => b.status === "yes" || b.status === "forward")) return intend(state, "commit");
  return askVotes(state);
}

/**
 * The branch has voted on other content under this name: in a life of the attempt that the log has lost, and that may
 * have committed. The right of C6 is gone; R3 finds out.
 */
function formerLife(state: CoordinatorState, branchId: string): CoordinatorStep {
  const alarm = { type: "RaiseAlarm", code: "payload_mismatch", branchId, detail: "of a lost life" } as const;
  return { state: { ...state, stage: "stopped" }, effects: [alarm, { type: "TakeOverOwnRecord" }] };
}

function weighRecovery(state: CoordinatorState, { now }: CoordinatorContext): CoordinatorStep {
  const finding = weighAnswers(state.branches);
  switch (finding.kind) {
    case "wait":
      return { state, effects: [] };
    case "commit":
      return intend(state, "commit");
    case "abort":
      return intend(state, "abort", finding.reason);
    case "park":
      return parkQuestions(state, finding, now);
  }
}

/** R4: what contradicts itself is shown, and asked again; parking is never an exit. */
function parkQuestions(
  state: CoordinatorState,
  { reason, alarm, branchId }: Extract<Finding, { kind: "park" }>,
  now: number,
): CoordinatorStep {
  const note = { reason, since: state.record.parked?.since ?? now, attempts: 0 };
  const effects: CoordinatorEffect[] = [{ type: "Park", note }];
  if (alarm !== undefined) effects.push({ type: "RaiseAlarm", code: alarm, branchId, detail: reason });
  let next = withPark(state, note);
  for (const branch of state.branches) {
    const step = retryLater(next, branch, { verb: "query-or-prevent", delay: { kind: "parked" } });
    next = step.state;
    effects.push(...step.effects);
  }
  return { state: next, effects };
}

/**
 * The consequence of a refusal, if there is one. The returned reason is that of the first refusing step, whichever
 * answer comes first: steps before it that have just been asked are waited for, once.
 */
export function refusal(state: CoordinatorState): CoordinatorStep | undefined {
  const index = state.branches.findIndex(({ status }) => status === "no");
  if (index < 0) return undefined;
  const isOpen = state.branches
    .slice(0, index)
    .some(({ status, attempts, contendedSince }) => status === "asked" && attempts + (contendedSince ?? 0) === 0);
  return isOpen ? { state, effects: [] } : intend(state, "abort", state.branches[index]?.refusal ?? "prevented");
}

/** C1, C2: asks for the decision to be written; nothing else happens until it is known to be durable. */
export function intend(state: CoordinatorState, decision: Decision, reason?: string): CoordinatorStep {
  const sure = state.branches.every((b) => b.status === "yes" || b.status === "forward" || b.status === "expired");
  invariant(decision === "abort" || sure, "C1", "commit needs every vote");
  const intent: Intent = {
    decision,
    ...(reason !== undefined && { reason }),
    ...(decision === "commit" ? outputsOf(state) : stepAtFault(state)),
  };
  return write(state, intent);
}

/** C6: an owner that may abort at the deadline may do so before, when an operator asks for it. */
export function cancel(state: CoordinatorState, operator: OperatorNote): CoordinatorStep {
  return write(state, { decision: "abort", reason: "cancelled", operator });
}

/** C6: the same for one branch whose time to vote is shorter than that of the others. */
export function overdue(state: CoordinatorState, branchId: string): CoordinatorStep {
  const { status, spec, handlerFailed: isBug, contendedSince } = branchOf(state, branchId);
  if (status !== "asked") return { state, effects: [] };
  const no = state.branches.find((branch) => branch.status === "no");
  if (no !== undefined) return intend(state, "abort", no.refusal ?? "prevented");
  const without = contendedSince === undefined ? "timeout" : "contended";
  return write(state, { decision: "abort", reason: isBug === true ? handlerFailed : without, step: spec.step });
}

function write(state: CoordinatorState, intent: Intent): CoordinatorStep {
  return {
    state: { ...state, stage: "deciding", intent, decisionAttempts: 0 },
    effects: [{ type: "WriteDecision", ...intent }],
  };
}

function outputsOf({ branches }: CoordinatorState): Pick<Intent, "outputs"> {
  const outputs = branches.flatMap(({ spec, output }) => (output === undefined ? [] : [[spec.branchId, output]]));
  return outputs.length === 0 ? {} : { outputs: Object.fromEntries(outputs) as Intent["outputs"] & object };
}

/** The step that an abort is due to: one that refused, or never ran, or whose vote is missing. */
function stepAtFault({ branches }: CoordinatorState): Pick<Intent, "step"> {
  const found =
    branches.find(({ status }) => status === "no") ??
    branches.find(({ status }) => status === "expired" || status === "mismatch") ??
    branches.find(({ status, handlerFailed }) => status === "asked" && handlerFailed === true) ??
    branches.find(({ status, contendedSince }) => status === "asked" && contendedSince !== undefined) ??
    branches.find(({ status }) => status === "asked");
  return found === undefined ? {} : { step: found.spec.step };
}

/** P10: contended is not a vote. After the bound the refusal counts, although the branch left no tombstone. */
function contended(state: CoordinatorState, branch: BranchProgress, context: CoordinatorContext): CoordinatorStep {
  // A clock that was set back has the wait begin again.
  const since = Math.min(branch.contendedSince ?? context.now, context.now);
  const refused = refusal(withBranch(state, { ...branch, contendedSince: since }));
  if (refused !== undefined) return refused;
  const waitedMs = context.now - since;
  if (waitedMs >= context.limits.contendedWaitMs) return intend(state, "abort", "contended");
  const verb = verbTable[state.record.protocol].vote;
  return retryLater(state, { ...branch, contendedSince: since }, { verb, delay: { kind: "contended", waitedMs } });
}

/** One answer to phase 1. */
export function answeredVote(
  state: CoordinatorState,
  { branchId, answer }: { branchId: string; answer: Answer },
  context: CoordinatorContext,
): CoordinatorStep {
  const branch = branchOf(state, branchId);
  if (answer.kind === "contended") {
    // One that was overtaken by the vote itself says nothing any more.
    return branch.status === "asked" ? contended(state, branch, context) : { state, effects: [] };
  }
  return weighVotes(withBranch(state, { ...branch, ...readAnswer(answer) }), branchId);
}

/** One answer to query-or-prevent. */
export function answeredQuestion(
  state: CoordinatorState,
  { branchId, answer }: { branchId: string; answer: Answer },
  context: CoordinatorContext,
): CoordinatorStep {
  return weighRecovery(withBranch(state, { ...branchOf(state, branchId), ...readAnswer(answer) }), context);
}
