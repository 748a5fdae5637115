// The rules, checked at every step and in every state.
//
// S1  all branches end forward, or all backward; also against the record.
// S5  a returned success stays true; a returned failure is never charged. C5: never both.
// P1, P2, P5, C7  on every change of a branch record.
// C1, C2, C6, R2, R4  on every write of the transaction record, and when a decision is requested.
// C3, T10  nothing is sent or returned before its decision is durable.
// S7  checked by the explorer, with `isSettled` and `mayStayParked`.
import {
  type BranchRecord,
  type BranchState,
  decisionOf,
  isBackwardFinal,
  isEnded,
  isForwardFinal,
  isYesState,
  shouldAsk,
  type TransactionRecord,
  type TransactionState,
  verbRole,
} from "assent/internal/protocol";
import type { Setting } from "./draft.ts";
import type { Notice, WorldState } from "./world-state.ts";
import type { WorldStep } from "./world-steps.ts";
import { branchName, times, type World } from "./world.ts";

export interface Broken {
  readonly rule: string;
  readonly text: string;
}

interface StepView {
  /** Absent at the beginning. */
  readonly before: WorldState | undefined;
  readonly step: WorldStep | undefined;
  readonly after: WorldState;
}

/** The first rule that a step or the state after it breaks. */
export function brokenRule(setting: Setting, notices: readonly Notice[], view: StepView): Broken | undefined {
  for (const notice of notices) {
    const broken = brokenBy(setting.world, notice, view);
    if (broken !== undefined) return broken;
  }
  return brokenState(setting.world, view.after);
}

function brokenBy(world: World, notice: Notice, view: StepView): Broken | undefined {
  switch (notice.type) {
    case "BranchChanged":
      return brokenBranch(world, notice, view.before);
    case "EffectRepeated":
      return { rule: "P9", text: `${branchName(notice.branch)} applies its effect a second time` };
    case "RecordWritten":
      return brokenRecord(world, notice, view.after);
    case "Intended":
      return brokenIntent(notice, view);
    case "Sent":
      return brokenSend(notice, view.after);
    case "OutcomeRemoved":
      return brokenRemoval(view.after);
    case "Returned":
      return brokenReturn(notice, view.after);
    case "Alarmed":
      if (world.mayPark?.includes(notice.code) === true) return undefined;
      return { rule: "P2", text: `${notice.code} at ${notice.branchId}, within the fault model` };
  }
}

const nextOfBranch: Readonly<Record<BranchState | "none", readonly BranchState[]>> = {
  none: ["prepared", "executed", "aborted", "compensated"],
  prepared: ["committed", "aborted"],
  executed: ["completed", "compensated"],
  committed: [],
  completed: [],
  aborted: [],
  compensated: [],
};

function brokenBranch(
  { budgets }: World,
  { branch, before, after }: { branch: number; before: BranchRecord | undefined; after: BranchRecord },
  state: WorldState | undefined,
): Broken | undefined {
  const from = before?.state ?? "none";
  const isReapplied = before === undefined && after.state === "committed" && (budgets.lostVotes ?? 0) > 0;
  const name = branchName(branch);
  if (from !== after.state && !nextOfBranch[from].includes(after.state) && !isReapplied) {
    const rule = before !== undefined && !isYesState(before.state) ? "P2" : "P1";
    return { rule, text: `${name} went from ${from} to ${after.state}` };
  }
  if (isYesState(after.state) && state?.finals[branch] === "forward") {
    return { rule: "S4", text: `${name} applies an ended transaction again` };
  }
  if (before === undefined) return undefined;
  if (after.epoch < before.epoch) return { rule: "P5", text: `${name} forgot an epoch that it had seen` };
  if (after.protocol !== before.protocol) return { rule: "C7", text: `${name} changed its protocol` };
  if (after.forgotten && isYesState(after.state)) return { rule: "P7", text: `${name} forgot its yes vote` };
  return undefined;
}

const nextOfRecord: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  active: ["active", "committing", "aborting"],
  committing: ["committing", "committed"],
  aborting: ["aborting", "aborted"],
  committed: [],
  aborted: [],
};

function brokenRecord(
  world: World,
  { before, after }: { before: TransactionRecord | undefined; after: TransactionRecord },
  state: WorldState,
): Broken | undefined {
  const hasLostVotes = (world.budgets.lostVotes ?? 0) > 0;
  if (before === undefined) return undefined;
  if (!nextOfRecord[before.state].includes(after.state)) {
    return { rule: "C2", text: `the record went from ${before.state} to ${after.state}` };
  }
  if (before.owner !== after.owner && after.epoch <= before.epoch)
    return { rule: "R2", text: "an epoch was used again" };
  if (before.protocol !== after.protocol) return { rule: "C7", text: "the record changed its protocol" };
  if (before.state === "active" && decisionOf(after) === "commit" && !hasLostVotes) {
    const missing = state.branches.findIndex((branch, index) => !saidYes(branch, state.finals[index]));
    if (missing !== -1) return { rule: "C1", text: `commit without the vote of ${branchName(missing)}` };
  }
  return isEnded(after) ? brokenEnd(after, state) : undefined;
}

function saidYes(branch: BranchRecord | undefined, final: WorldState["finals"][number]): boolean {
  return final === "forward" || (branch !== undefined && isYesState(branch.state));
}

/** R4: the transaction ends when every branch has ended the same way; a branch that never ran has nothing to undo. */
function brokenEnd(record: TransactionRecord, { branches, finals }: WorldState): Broken | undefined {
  const isForward = decisionOf(record) === "commit";
  const wrong = branches.findIndex((branch, index) => {
    if (isForward) return finals[index] !== "forward" || (branch !== undefined && !isForwardFinal(branch.state));
    return branch !== undefined && !isBackwardFinal(branch.state);
  });
  if (wrong === -1) return undefined;
  return { rule: "R4", text: `${record.state} while ${branchName(wrong)} is ${branches[wrong]?.state ?? "missing"}` };
}

/** Reasons for abort that are answers, although they leave no tombstone. */
const notSilence: readonly string[] = ["expired", "contended", "payload_mismatch", "row_changed"];

function brokenIntent(
  { by, before, decision, reason }: Extract<Notice, { type: "Intended" }>,
  { step, after }: StepView,
): Broken | undefined {
  const earlier = before.stage === "deciding" ? before.intent?.decision : undefined;
  if (earlier !== undefined && earlier !== decision) {
    return { rule: "C2", text: `${by.id} requested ${earlier}, and now ${decision}` };
  }
  // A decision that was requested may be requested again.
  if (decision === "commit" || earlier === "abort" || notSilence.includes(reason)) return undefined;
  // After twice maxAge the proving tombstone may be gone.
  if (after.finals.includes("backward") || after.time === times.length - 1) return undefined;
  const isOwners = step?.type === "deadline" && step.uninterrupted && by.state.role === "owner";
  return isOwners ? undefined : { rule: "C6", text: `${by.id} decides on silence` };
}

function brokenSend({ by, branch, verb }: Extract<Notice, { type: "Sent" }>, after: WorldState): Broken | undefined {
  const role = verbRole(verb);
  const needed = role === "forward" ? "commit" : role === "backward" ? "abort" : undefined;
  if (needed === undefined || after.decided.includes(needed)) return undefined;
  return { rule: "C3", text: `${by.id} sends ${verb} to ${branchName(branch)} before a durable ${needed}` };
}

/** P7: no branch is left that would ask about it. */
function brokenRemoval({ branches }: WorldState): Broken | undefined {
  const asking = branches.findIndex((branch) => branch !== undefined && shouldAsk(branch));
  return asking === -1
    ? undefined
    : { rule: "P7", text: `the outcome was removed before ${branchName(asking)} had forgotten` };
}

function brokenReturn({ decision }: Extract<Notice, { type: "Returned" }>, after: WorldState): Broken | undefined {
  if (!after.decided.includes(decision)) {
    return { rule: "C3", text: `${decision} is returned before it is durable` };
  }
  if (decision === "commit" || after.finals.includes("backward")) return undefined;
  return after.time >= 2 ? undefined : { rule: "C5", text: "failure is returned without a tombstone" };
}

function brokenState(world: World, { record, finals, returned }: WorldState): Broken | undefined {
  if (returned.length > 1) return { rule: "C5", text: "both success and failure were returned" };
  const forward = finals.indexOf("forward");
  const backward = finals.indexOf("backward");
  const decision = record === undefined ? undefined : decisionOf(record);
  const hasLostVotes = (world.budgets.lostVotes ?? 0) > 0;
  if (hasLostVotes) return undefined;
  if (forward !== -1 && backward !== -1) {
    return { rule: "S1", text: `${branchName(forward)} ended forward, ${branchName(backward)} backward` };
  }
  if (decision === "commit" && backward !== -1) {
    return { rule: "S1", text: `decided to commit, but ${branchName(backward)} ended backward` };
  }
  if (decision === "abort" && forward !== -1) {
    return { rule: "S1", text: `decided to abort, but ${branchName(forward)} ended forward` };
  }
  const [said] = returned;
  if (said === "commit" && (backward !== -1 || decision === "abort"))
    return { rule: "S5", text: "a returned success is undone" };
  if (said === "abort" && (forward !== -1 || decision === "commit"))
    return { rule: "S5", text: "a returned failure is charged" };
  return undefined;
}

/** R4: parked for ever, visibly, for a reason that this world allows. */
export function mayStayParked({ mayPark = [] }: World, { record }: WorldState): boolean {
  return record?.parked !== undefined && !isEnded(record) && mayPark.includes(record.parked.reason);
}
