// The coordinator machine: one transaction, two protocols, owner or taker-over.
//
// C1  commit is intended only when every branch voted yes (or R3 proves it).
// C2  an unanswered decision write is repeated, never replaced by its opposite.
// C3  no effect follows from a decision before DecisionWritten.
// C5  success is returned at the durable commit; failure after the durable abort and a tombstone.
// C6  silence decides only for the uninterrupted owner, and then every branch gets abort.
// R3  a taker-over asks query-or-prevent and decides by `weighAnswers`.
// P7  after the end `forget` is sent until it is acknowledged, within a bound.
// R4  phase 2 is driven until every branch has acknowledged; parking is a note, never an exit.
import { isTooFarAhead } from "./bounds.ts";
import {
  branchOf,
  type CoordinatorContext,
  type CoordinatorEvent,
  type CoordinatorState,
  type CoordinatorStep,
  idOf,
  retryLater,
  withBranch,
  withPark,
} from "./coordinator-state.ts";
import { answeredForget, sendForget, unansweredForget } from "./forgetting.ts";
import { invariant } from "./invariant.ts";
import { type Answer, handlerFailed } from "./messages.ts";
import {
  answeredQuestion,
  answeredVote,
  askQuestions,
  askVotes,
  cancel,
  intend,
  overdue,
  refusal,
} from "./phase-one.ts";
import { answeredPhaseTwo, sendPhaseTwo } from "./phase-two.ts";
import { decisionOf } from "./transaction-record.ts";
import { type Verb, type VerbRole, verbRole, verbTable } from "./verbs.ts";

/** One step of the machine. Pure: the shell performs the effects and feeds events back. */
export function coordinate(
  state: CoordinatorState,
  event: CoordinatorEvent,
  context: CoordinatorContext,
): CoordinatorStep {
  if (state.stage === "stopped" || state.stage === "ended") return { state, effects: [] };
  switch (event.type) {
    case "Begun":
      invariant(state.role === "owner" && state.stage === "voting", "C6", "only a new owner begins");
      return askVotes(state);
    case "TakenOver":
      invariant(state.role === "recoverer", "R2", "only a taker-over takes over");
      return decisionOf(state.record) === undefined ? askQuestions(state) : sendPhaseTwo(state);
    case "Answered":
      return answered(state, event, context);
    case "WentUnanswered":
      return unanswered(state, event, context);
    case "RetryFellDue":
      return retryDue(state, event);
    case "DeadlinePassed":
      return deadlinePassed(state, event.ownerUninterrupted);
    case "VoteFellOverdue":
      return mayAbort(state, event) ? overdue(state, event.branchId) : { state, effects: [] };
    case "Cancelled":
      return mayAbort(state, event) ? cancel(state, event.operator) : { state, effects: [] };
    case "DecisionWritten":
      return decisionWritten({ ...state, record: event.record });
    case "DecisionUnmet":
      return decisionUnmet(state, context);
    case "WriteWentUnanswered":
      return rewriteLater(state);
    case "WriteRetryFellDue":
      return rewrite(state);
    case "ReleaseWaitPassed":
      return tellFailure({ ...state, releaseWaitOver: true });
    case "EndWritten":
      return state.stage === "ending" ? sendForget({ ...state, record: event.record }) : { state, effects: [] };
    case "Withdrawn":
      invariant(state.branches.length === 0, "C6", "only what was never asked can be withdrawn");
      return intend(state, "abort", event.reason);
    case "OwnershipLost":
      // An end is durable whichever process owns the record.
      if (state.stage === "forgetting") return { state, effects: [] };
      return { state: { ...state, stage: "stopped" }, effects: [{ type: "StandDown" }] };
  }
}

function answered(
  state: CoordinatorState,
  { branchId, verb, answer }: { branchId: string; verb: Verb; answer: Answer },
  context: CoordinatorContext,
): CoordinatorStep {
  const role = verbRole(verb);
  if (state.stage === "forgetting") {
    return role === "forget" ? answeredForget(state, { branchId, answer }, context) : { state, effects: [] };
  }
  // M3: a takeover above such an epoch would write a record that no process can read.
  const isBeyond = answer.kind === "fenced" && isTooFarAhead(answer, context.now);
  // A fence that is not above one's own epoch is an echo of what was sent before the own takeover.
  if (answer.kind === "fenced" && !isBeyond && answer.epoch > state.record.epoch) {
    return { state: { ...state, stage: "stopped" }, effects: [{ type: "StandDown", seenEpoch: answer.epoch }] };
  }
  if (isBeyond || isUnexpected(answer, role)) {
    const step = unanswered(state, { branchId, verb }, context);
    const alarm = { type: "RaiseAlarm", code: "unexpected_answer", branchId, detail: answer.kind } as const;
    return { state: step.state, effects: [alarm, ...step.effects] };
  }
  if (answer.kind === "unknown" || answer.kind === "fenced") {
    const isBug = answer.kind === "unknown" && answer.reason === handlerFailed;
    return unanswered(state, { branchId, verb, isBug }, context);
  }
  if (state.stage === "finishing" && (role === "forward" || role === "backward")) {
    return tellFailure(answeredPhaseTwo(state, { branch: branchOf(state, branchId), verb, answer }, context));
  }
  if (state.stage === "voting" && role === "vote") {
    return answeredVote(state, { branchId, answer }, context);
  }
  if (state.stage === "questioning" && role === "query") {
    return answeredQuestion(state, { branchId, answer }, context);
  }
  return { state, effects: [] };
}

/** What nobody may answer to phase 1 or to a question proves nothing (C6). Phase 2 has alarms of its own. */
function isUnexpected({ kind }: Answer, role: VerbRole): boolean {
  if (role !== "vote" && role !== "query") return false;
  return kind === "hazard" || kind === "conflict" || kind === "forgotten" || (kind === "contended" && role === "query");
}

/** No answer is no information: the same command is sent again (P4 makes it safe). */
function unanswered(
  state: CoordinatorState,
  { branchId, verb, isBug = false }: { branchId: string; verb: Verb; isBug?: boolean },
  context: CoordinatorContext,
): CoordinatorStep {
  const { now, limits } = context;
  if (!isCurrent(state, verb)) return { state, effects: [] };
  const branch = branchOf(state, branchId);
  const askedAgain = state.stage === "questioning" && state.record.parked !== undefined;
  if (branch.status !== "asked" && !askedAgain) return { state, effects: [] };
  if (state.stage === "forgetting") return unansweredForget(state, branch, context);
  const tried = { ...branch, attempts: branch.attempts + 1, ...(isBug && { handlerFailed: true }) };
  const { attempts } = tried;
  const refused = state.stage === "voting" ? refusal(withBranch(state, tried)) : undefined;
  if (refused !== undefined) return refused;
  if (state.stage === "voting" || attempts < limits.parkAfterAttempts) {
    return retryLater(state, tried, { verb, delay: { kind: "backoff", attempts } });
  }
  const why = isBug ? `${handlerFailed}_in` : "no_answer_from";
  const note = { reason: `${why}_${branch.spec.service}`, since: state.record.parked?.since ?? now, attempts };
  const step = retryLater(withPark(state, note), tried, { verb, delay: { kind: "parked" } });
  return { state: step.state, effects: [{ type: "Park", note }, ...step.effects] };
}

function retryDue(state: CoordinatorState, { branchId, verb }: { branchId: string; verb: Verb }): CoordinatorStep {
  if (!isCurrent(state, verb)) return { state, effects: [] };
  const { retrying, ...branch } = branchOf(state, branchId);
  // A parked recovery asks those again, too, that have answered: that is the only way out of a contradiction.
  const askAgain = state.stage === "questioning" && retrying === true;
  if (branch.status !== "asked" && !askAgain) return { state, effects: [] };
  return { state: withBranch(state, branch), effects: [{ type: "SendCommand", branchId, verb }] };
}

/** Whether a verb belongs to what the transaction is doing now; anything else is an echo. */
function isCurrent(state: CoordinatorState, verb: Verb): boolean {
  const verbs = verbTable[state.record.protocol];
  switch (state.stage) {
    case "voting":
      return verb === verbs.vote;
    case "questioning":
      return verb === "query-or-prevent";
    case "finishing":
      return verb === (decisionOf(state.record) === "commit" ? verbs.forward : verbs.backward);
    case "forgetting":
      return verb === "forget";
    case "deciding":
    case "ending":
    case "ended":
    case "stopped":
      return false;
  }
}

/** C6: the right to abort without a proof, before the decision is being written. */
function mayAbort({ stage, role }: CoordinatorState, event: { readonly ownerUninterrupted: boolean }): boolean {
  return stage === "voting" && role === "owner" && event.ownerUninterrupted;
}

/** C6: the uninterrupted owner aborts on silence; anybody else goes on by R3. */
function deadlinePassed(state: CoordinatorState, ownerUninterrupted: boolean): CoordinatorStep {
  if (state.stage !== "voting") return { state, effects: [] };
  const no = state.branches.find((branch) => branch.status === "no");
  const isBug = state.branches.some((branch) => branch.status === "asked" && branch.handlerFailed === true);
  const reason = no?.refusal ?? (isBug ? handlerFailed : undefined);
  if (ownerUninterrupted && state.role === "owner") return intend(state, "abort", reason ?? "timeout");
  return { state: { ...state, stage: "stopped" }, effects: [{ type: "TakeOverOwnRecord" }] };
}

/** C4: nothing was written, because the row is not what the commit needs. */
function decisionUnmet(state: CoordinatorState, { now }: CoordinatorContext): CoordinatorStep {
  if (state.stage !== "deciding" || state.intent?.decision !== "commit") return { state, effects: [] };
  const proof = state.branches.find((branch) => branch.status === "forward");
  if (proof === undefined) return intend(state, "abort", "row_changed");
  // S1: a branch is past undoing, so the commit was decided once. It waits for its row, visibly.
  const note = { reason: "row_changed", since: state.record.parked?.since ?? now, attempts: state.decisionAttempts };
  const step = rewriteLater(withPark(state, note));
  const alarm = { type: "RaiseAlarm", code: "conflict", branchId: idOf(proof), detail: note.reason } as const;
  return { state: step.state, effects: [alarm, { type: "Park", note }, ...step.effects] };
}

function decisionWritten(state: CoordinatorState): CoordinatorStep {
  if (state.stage !== "deciding") return { state, effects: [] };
  const decision = decisionOf(state.record);
  invariant(
    decision !== undefined && decision === state.intent?.decision,
    "C2",
    "the written decision is the intended",
  );
  const step = sendPhaseTwo(state);
  if (decision === "commit") {
    const reported = { ...step.state, reported: true };
    const { outputs } = state.intent;
    const outcome = outputs === undefined ? { kind: "committed" as const } : { kind: "committed" as const, outputs };
    return { state: reported, effects: [{ type: "TellOutcome", outcome }, ...step.effects] };
  }
  return tellFailure({ state: step.state, effects: [{ type: "WaitForRelease" }, ...step.effects] });
}

/**
 * C5: a failure is returned when every branch has released, or after the bound once a tombstone is durable.
 * `done` in an abort is an acknowledged release or a refusal's tombstone.
 */
function tellFailure(step: CoordinatorStep | CoordinatorState): CoordinatorStep {
  const { state, effects } = "effects" in step ? step : { state: step, effects: [] };
  if (state.reported || decisionOf(state.record) !== "abort") return { state, effects };
  const released = state.branches.filter((branch) => branch.status === "done").length;
  const enough = released === state.branches.length || (state.releaseWaitOver && released > 0);
  if (!enough) return { state, effects };
  const { reason = "aborted", step: at } = state.record;
  const outcome = { kind: "aborted" as const, reason, ...(at !== undefined && { step: at }) };
  return { state: { ...state, reported: true }, effects: [...effects, { type: "TellOutcome", outcome }] };
}

function rewriteLater(state: CoordinatorState): CoordinatorStep {
  if (state.stage !== "deciding" && state.stage !== "ending") return { state, effects: [] };
  const attempts = state.decisionAttempts + 1;
  return { state: { ...state, decisionAttempts: attempts }, effects: [{ type: "WriteRetryLater", attempts }] };
}

function rewrite(state: CoordinatorState): CoordinatorStep {
  if (state.stage === "ending") return { state, effects: [{ type: "WriteEnd" }] };
  if (state.stage !== "deciding" || state.intent === undefined) return { state, effects: [] };
  return { state, effects: [{ type: "WriteDecision", ...state.intent }] };
}
