// The branch machine: what one participant may do with one command (rules P1–P9).
//
// P1  none → prepared → committed | aborted, none → aborted; none → executed → completed | compensated,
//     none → compensated.
// P2  Final states are final. Forward on backward, or backward on forward, is a conflict.
// P3  A refusal, and a backward verb on a branch that never ran, leave a tombstone.
// P4  A duplicate gets the stored answer; other content under the same txId is a mismatch.
// P5  Order of checks: fence, stored answer, expiry, deadline, business. The highest epoch seen is recorded.
// P6  No transition here leaves a yes state without a command.
// P7  Absent and too old: expired, and nothing is written.
// P8  A first phase 1 past its deadline leaves a tombstone.
// P9  A forward verb on an absent record is applied again (2PC) or is a hazard (saga).
// M3  A number that no clock can have produced is answered unknown, and nothing is written.
// C7  A branch follows the protocol that it voted in: a later life of the same attempt may have chosen the other one,
//     and a decision is the same word in both.
//
// A command is judged first. Either the answer is known at once, or a business operation has to run in the same
// atomic step, whose result is settled into the answer and the record to write with it.
import { isTooFarAhead } from "./bounds.ts";
import { invariant } from "./invariant.ts";
import { fingerprintOf, type Json } from "./json.ts";
import type { Limits } from "./limits.ts";
import type { Answer, Command } from "./messages.ts";
import {
  type BranchState,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  type Protocol,
  verbRole,
  verbTable,
} from "./verbs.ts";

/** The durable record of one branch, written in the same atomic step as its business effect. */
export interface BranchRecord {
  readonly txId: string;
  readonly branchId: string;
  readonly protocol: Protocol;
  readonly state: BranchState;
  /** Highest epoch seen. */
  readonly epoch: number;
  readonly begunAt: number;
  /** Fingerprint of the payload; absent on a tombstone of something that never arrived. */
  readonly payloadHash?: number;
  readonly payload?: Json;
  /** What the business handler needs to undo or confirm. */
  readonly memo?: Json;
  /** What its vote returned to the caller of the transaction. */
  readonly output?: Json;
  /** Why the branch refused, on a tombstone. */
  readonly refusal?: string;
  readonly origin?: string;
  /** The transaction has ended durably; the record is kept for duplicates only. */
  readonly forgotten: boolean;
  /** Store time of the last change, for questions and removal. */
  readonly changedAt: number;
}

/** The business operation that a command asks for. */
export type BranchAction = "prepare" | "commit" | "abort" | "execute" | "compensate" | "reapply";

export type ActionResult =
  | { readonly kind: "ok"; readonly memo?: Json; readonly output?: Json }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "contended" };

export type Judgement =
  | { readonly kind: "answer"; readonly answer: Answer; readonly record?: BranchRecord }
  | { readonly kind: "run"; readonly operation: BranchAction };

export interface Settlement {
  readonly answer: Answer;
  /** To be written in the same atomic step; absent when nothing changes. */
  readonly record?: BranchRecord;
}

export type BranchLimits = Pick<Limits, "maxAgeMs" | "clockSkewMs">;

/** What the branch machine needs besides record and command. `now` is store time in epoch milliseconds. */
export interface BranchContext {
  readonly now: number;
  readonly limits: BranchLimits;
}

/** Decides what a command means for a branch, before any business operation. Pure. */
export function judgeCommand(
  record: BranchRecord | undefined,
  command: Command,
  { now, limits }: BranchContext,
): Judgement {
  if (isTooFarAhead(command, now)) return { kind: "answer", answer: { kind: "unknown", reason: "too_far_ahead" } };
  if (record === undefined) return judgeAbsent(command, { now, limits });
  invariant(record.txId === command.txId && record.branchId === command.branchId, "P4", "record of another branch");
  if (command.epoch < record.epoch) return { kind: "answer", answer: { kind: "fenced", epoch: record.epoch } };
  const touched = command.epoch > record.epoch ? { ...record, epoch: command.epoch } : record;
  const judgement = judgePresent(touched, command, now);
  if (judgement.kind === "answer" && judgement.record === undefined && touched !== record) {
    return { ...judgement, record: touched };
  }
  return judgement;
}

function judgePresent(record: BranchRecord, command: Command, now: number): Judgement {
  switch (verbRole(command.verb)) {
    case "vote":
      return { kind: "answer", answer: storedVote(record, command) };
    case "query":
      return { kind: "answer", answer: differs(record, command) ?? stateOf(record) };
    case "forget":
      return judgeForget(record, now);
    case "forward":
      if (isForwardFinal(record.state)) return { kind: "answer", answer: stateOf(record) };
      if (isBackwardFinal(record.state)) return conflict(record);
      if (record.protocol === "saga") return { kind: "answer", ...moved(record, "completed", now) };
      return { kind: "run", operation: "commit" };
    case "backward":
      if (isBackwardFinal(record.state)) return { kind: "answer", answer: stateOf(record) };
      if (isForwardFinal(record.state)) return conflict(record);
      return { kind: "run", operation: record.protocol === "saga" ? "compensate" : "abort" };
  }
}

function judgeAbsent(command: Command, { now, limits }: BranchContext): Judgement {
  const role = verbRole(command.verb);
  if (role === "forget") return { kind: "answer", answer: { kind: "forgotten" } };
  if (now > command.begunAt + limits.maxAgeMs) return { kind: "answer", answer: { kind: "expired" } };
  switch (role) {
    case "vote":
      if (command.deadlineAt !== undefined && now > command.deadlineAt + limits.clockSkewMs) {
        return { kind: "answer", ...refuse(command, "deadline_passed", now) };
      }
      return { kind: "run", operation: command.protocol === "saga" ? "execute" : "prepare" };
    case "forward":
      if (command.protocol === "saga") return { kind: "answer", answer: { kind: "hazard", reason: "vote_lost" } };
      return { kind: "run", operation: "reapply" };
    case "query":
    case "backward": {
      const record = { ...tombstone(command, now), ...(command.origin !== undefined && { origin: command.origin }) };
      return { kind: "answer", answer: stateOf(record), record };
    }
  }
}

/** Turns the result of the business operation into the answer and the record to write with it. Pure. */
export function settleCommand(
  record: BranchRecord | undefined,
  command: Command,
  { operation, result, now }: { operation: BranchAction; result: ActionResult; now: number },
): Settlement {
  switch (operation) {
    case "prepare":
    case "execute":
      invariant(record === undefined, "P4", "a duplicate phase 1 never reaches the business");
      return settleVote(command, result, now);
    case "reapply":
      invariant(record === undefined, "P9", "only an absent branch is applied again");
      if (result.kind !== "ok") {
        return { answer: { kind: "hazard", reason: result.kind === "refused" ? result.reason : "contended" } };
      }
      return moved(fresh(command, "prepared", { now, result }), "committed", now);
    case "commit":
    case "abort":
    case "compensate": {
      invariant(record !== undefined && isYesState(record.state), "P1", `${operation} needs a yes state`);
      invariant(result.kind === "ok", "P2", `${operation} of a yes vote cannot be refused`);
      const verbs = verbTable[record.protocol];
      const state = operation === "commit" ? verbs.forwardState : verbs.backwardState;
      return moved({ ...record, epoch: Math.max(record.epoch, command.epoch) }, state, now);
    }
  }
}

function settleVote(command: Command, result: ActionResult, now: number): Settlement {
  switch (result.kind) {
    case "ok": {
      const record = fresh(command, verbTable[command.protocol].yesState, { now, result });
      return { answer: stateOf(record), record };
    }
    case "refused":
      return refuse(command, result.reason, now);
    case "contended":
      return { answer: { kind: "contended" } };
  }
}

function fresh(
  command: Command,
  state: BranchState,
  { now, result }: { now: number; result: { readonly memo?: Json; readonly output?: Json } },
): BranchRecord {
  const { memo, output } = result;
  invariant(command.payload !== undefined, "P9", `${command.verb} carries its payload`);
  return {
    txId: command.txId,
    branchId: command.branchId,
    protocol: command.protocol,
    state,
    epoch: command.epoch,
    begunAt: command.begunAt,
    payloadHash: fingerprintOf(command.payload),
    payload: command.payload,
    ...(memo !== undefined && { memo }),
    ...(output !== undefined && { output }),
    ...(command.origin !== undefined && { origin: command.origin }),
    forgotten: false,
    changedAt: now,
  };
}

function tombstone(command: Command, now: number): BranchRecord {
  return {
    txId: command.txId,
    branchId: command.branchId,
    protocol: command.protocol,
    state: verbTable[command.protocol].backwardState,
    epoch: command.epoch,
    begunAt: command.begunAt,
    forgotten: false,
    changedAt: now,
  };
}

function refuse(command: Command, reason: string, now: number): Settlement {
  invariant(command.payload !== undefined, "P3", "a refusal remembers what it refused");
  const record = { ...tombstone(command, now), refusal: reason, payloadHash: fingerprintOf(command.payload) };
  return { answer: { kind: "refused", reason }, record };
}

/** P4: the answer to a repeated phase 1. */
function storedVote(record: BranchRecord, command: Command): Answer {
  invariant(command.payload !== undefined, "P4", "phase 1 carries its payload");
  const difference = differs(record, command);
  if (difference !== undefined) return difference;
  if (isBackwardFinal(record.state)) return { kind: "refused", reason: record.refusal ?? "prevented" };
  return stateOf(record);
}

/** Whether the record holds another payload than the command is about. */
function differs(record: BranchRecord, command: Command): Answer | undefined {
  if (record.payloadHash === undefined || command.payload === undefined) return undefined;
  return record.payloadHash === fingerprintOf(command.payload) ? undefined : { kind: "mismatch" };
}

function stateOf({ state, refusal, output }: BranchRecord): Answer {
  if (refusal !== undefined) return { kind: "done", state, refusal };
  return output === undefined || isBackwardFinal(state) ? { kind: "done", state } : { kind: "done", state, output };
}

function conflict(record: BranchRecord): Judgement {
  return { kind: "answer", answer: { kind: "conflict", state: record.state } };
}

function moved(record: BranchRecord, state: BranchState, now: number): Settlement {
  invariant(isYesState(record.state), "P2", `${record.state} is final`);
  const next = { ...record, state, changedAt: now };
  return { answer: stateOf(next), record: next };
}

/** A forgotten record keeps only what a late duplicate needs. */
function judgeForget(record: BranchRecord, now: number): Judgement {
  if (isYesState(record.state)) return conflict(record);
  if (record.forgotten) return { kind: "answer", answer: { kind: "forgotten" } };
  const { payload: _payload, memo: _memo, output: _output, origin: _origin, ...kept } = record;
  return { kind: "answer", answer: { kind: "forgotten" }, record: { ...kept, forgotten: true, changedAt: now } };
}

/** P6: whether the branch should ask what became of its transaction. Backward-final branches never ask. */
export function shouldAsk(record: BranchRecord): boolean {
  return !record.forgotten && !isBackwardFinal(record.state);
}

/** P7: how long after the begin of its transaction a branch is kept, at least. */
export function keptAfterBeginMs(limits: Pick<Limits, "maxAgeMs">): number {
  return 2 * limits.maxAgeMs;
}

/**
 * P7: the store time from which the record may be removed, or undefined while it must stay.
 * Until then every late duplicate meets the record; afterwards every one meets `expired`.
 */
export function removableAt(record: BranchRecord, limits: BranchLimits): number | undefined {
  return shouldAsk(record) ? undefined : record.begunAt + keptAfterBeginMs(limits);
}
