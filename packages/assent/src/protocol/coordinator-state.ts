// What the coordinator machine remembers, hears and asks for.
import { invariant } from "./invariant.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Limits } from "./limits.ts";
import type { Answer, BranchSpec } from "./messages.ts";
import type { OperatorNote, ParkNote, TransactionRecord } from "./transaction-record.ts";
import type { Decision, Verb } from "./verbs.ts";

/**
 * What is known of one branch, in the stage the transaction is in:
 * idle (not asked), asked (no answer yet), yes, forward (proved forward-final), no (durable tombstone),
 * expired (no record, too old), mismatch (holds other content), done (acknowledged phase 2).
 */
export type BranchStatus = "idle" | "asked" | "yes" | "forward" | "no" | "expired" | "mismatch" | "done";

export interface BranchProgress {
  readonly spec: BranchSpec;
  readonly status: BranchStatus;
  /** Sends of the current verb that came back without a usable answer. */
  readonly attempts: number;
  /** A retry is under way: doubled answers must not multiply it. */
  readonly retrying?: boolean;
  /** The owner decided before it asked this branch anything: it never ran. */
  readonly neverAsked?: boolean;
  /** Its handler failed in phase 1: reported at the deadline, unless the branch votes before. */
  readonly handlerFailed?: boolean;
  readonly contendedSince?: number;
  readonly refusal?: string;
  /** What its vote returned to the caller. */
  readonly output?: Json;
}

/**
 * voting (the owner runs phase 1) · questioning (a taker-over runs R3) · deciding · finishing (phase 2) · ending ·
 * forgetting (the end is durable, and `forget` is sent to branches) · ended · stopped (ownership lost: nothing more may
 * be sent).
 */
export type Stage = "voting" | "questioning" | "deciding" | "finishing" | "ending" | "forgetting" | "ended" | "stopped";

/** A decision that is to be written. */
export interface Intent {
  readonly decision: Decision;
  readonly reason?: string;
  /** The step that an abort is due to. */
  readonly step?: string;
  /** Who asked for an abort by hand. */
  readonly operator?: OperatorNote;
  /** With a commit, what branches returned to the caller, by branch. */
  readonly outputs?: JsonObject;
}

export interface CoordinatorState {
  readonly record: TransactionRecord;
  /** C6: only the owner that began the transaction may let silence decide. */
  readonly role: "owner" | "recoverer";
  readonly stage: Stage;
  readonly branches: readonly BranchProgress[];
  /** The decision being written, in stage `deciding`. */
  readonly intent?: Intent;
  readonly decisionAttempts: number;
  readonly reported: boolean;
  /** The bound on waiting for releases has passed (C5). */
  readonly releaseWaitOver: boolean;
}

export type CoordinatorEvent =
  | { readonly type: "Begun" }
  /** The definition could not say what to do; nobody was asked anything. */
  | { readonly type: "Withdrawn"; readonly reason: string }
  | { readonly type: "TakenOver" }
  | { readonly type: "Answered"; readonly branchId: string; readonly verb: Verb; readonly answer: Answer }
  | { readonly type: "WentUnanswered"; readonly branchId: string; readonly verb: Verb }
  | { readonly type: "RetryFellDue"; readonly branchId: string; readonly verb: Verb }
  /** `ownerUninterrupted`: began here, inside its lease, no pause past deadline + grace (C6, R2). */
  | { readonly type: "DeadlinePassed"; readonly ownerUninterrupted: boolean }
  /** A branch's own time to vote is over. `ownerUninterrupted`: as at the deadline (C6). */
  | { readonly type: "VoteFellOverdue"; readonly branchId: string; readonly ownerUninterrupted: boolean }
  /** An operator asks for an abort. `ownerUninterrupted`: as at the deadline (C6). */
  | { readonly type: "Cancelled"; readonly ownerUninterrupted: boolean; readonly operator: OperatorNote }
  | { readonly type: "DecisionWritten"; readonly record: TransactionRecord }
  /** The row conditions of a commit do not hold any more; nothing was written. */
  | { readonly type: "DecisionUnmet" }
  | { readonly type: "WriteWentUnanswered"; readonly write: "decision" | "end" }
  | { readonly type: "WriteRetryFellDue" }
  | { readonly type: "ReleaseWaitPassed" }
  | { readonly type: "EndWritten"; readonly record: TransactionRecord }
  | { readonly type: "OwnershipLost" };

/** `outputs`: what branches returned, by branch. `step`: the one that the abort is due to, where one is. */
export type Outcome =
  | { readonly kind: "committed"; readonly outputs?: JsonObject }
  | { readonly kind: "aborted"; readonly reason: string; readonly step?: string };

export type CoordinatorEffect =
  | { readonly type: "SendCommand"; readonly branchId: string; readonly verb: Verb }
  | { readonly type: "RetryLater"; readonly branchId: string; readonly verb: Verb; readonly delay: RetryDelay }
  | ({ readonly type: "WriteDecision" } & Intent)
  | { readonly type: "WriteEnd" }
  | { readonly type: "WriteRetryLater"; readonly attempts: number }
  | { readonly type: "WaitForRelease" }
  | { readonly type: "TellOutcome"; readonly outcome: Outcome }
  | { readonly type: "Park"; readonly note: ParkNote }
  | { readonly type: "RaiseAlarm"; readonly code: AlarmCode; readonly branchId: string; readonly detail: string }
  /** Take the own record over with a new epoch and continue by R3: the right of C6 is gone. */
  | { readonly type: "TakeOverOwnRecord" }
  /** Another owner holds the record: send nothing more, re-read it. `seenEpoch`: the fencing epoch. */
  | { readonly type: "StandDown"; readonly seenEpoch?: number };

export type AlarmCode =
  | "conflict"
  | "heuristic_hazard"
  | "payload_mismatch"
  | "expired_in_phase_two"
  /** A participant said what no participant may say; it was taken as no answer. */
  | "unexpected_answer";

/** How long to wait before a retry; the shell adds jitter. */
export type RetryDelay =
  | { readonly kind: "backoff"; readonly attempts: number }
  | { readonly kind: "contended"; readonly waitedMs: number }
  | { readonly kind: "parked" };

export interface CoordinatorContext {
  readonly now: number;
  readonly limits: Limits;
}

export interface CoordinatorStep {
  readonly state: CoordinatorState;
  readonly effects: readonly CoordinatorEffect[];
}

/** The start state of a transaction that this process drives. */
export function coordinatorState(options: {
  record: TransactionRecord;
  branches: readonly BranchSpec[];
  role: "owner" | "recoverer";
}): CoordinatorState {
  return {
    record: options.record,
    role: options.role,
    stage: options.role === "owner" ? "voting" : "questioning",
    branches: options.branches.map((spec) => ({ spec, status: "idle", attempts: 0 })),
    decisionAttempts: 0,
    reported: false,
    releaseWaitOver: false,
  };
}

export function withPark(state: CoordinatorState, note: CoordinatorState["record"]["parked"]): CoordinatorState {
  return note === undefined ? state : { ...state, record: { ...state.record, parked: note } };
}

/** Asks for the branch to be tried again later, unless that is under way. */
export function retryLater(
  state: CoordinatorState,
  branch: BranchProgress,
  { verb, delay }: { verb: Verb; delay: RetryDelay },
): CoordinatorStep {
  const effect = { type: "RetryLater", branchId: idOf(branch), verb, delay } as const;
  return {
    state: withBranch(state, { ...branch, retrying: true }),
    effects: branch.retrying === true ? [] : [effect],
  };
}

export function withBranch(state: CoordinatorState, changed: BranchProgress): CoordinatorState {
  return { ...state, branches: state.branches.map((branch) => (idOf(branch) === idOf(changed) ? changed : branch)) };
}

export function branchOf(state: CoordinatorState, branchId: string): BranchProgress {
  const branch = state.branches.find((candidate) => idOf(candidate) === branchId);
  invariant(branch !== undefined, "R3", `branch ${branchId} is not of ${state.record.txId}`);
  return branch;
}

export function idOf(branch: BranchProgress): string {
  return branch.spec.branchId;
}
