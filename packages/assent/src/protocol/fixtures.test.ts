// What the tests of this package share: builders with defaults, a branch that runs its business at once, and a
// coordinator whose effects read as short texts. Holds no test of its own.
import { type BranchRecord, judgeCommand, type BranchAction, type ActionResult, settleCommand } from "./branch.ts";
import {
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  coordinatorState,
} from "./coordinator-state.ts";
import { coordinate } from "./coordinator.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import type { Answer, BranchSpec, Command } from "./messages.ts";
import { type TransactionRecord, type TransactionState, writeDecision, writeEnd } from "./transaction-record.ts";
import { type Decision, type Protocol, type Verb, verbTable } from "./verbs.ts";

export const begunAt = 1_000_000;
export const deadlineAt: number = begunAt + defaultLimits.phaseOneDeadlineMs;
export const protocols: readonly Protocol[] = ["2pc", "saga"];

export function command(verb: Verb, change: Partial<Command> = {}): Command {
  const saga = verb === "execute" || verb === "complete" || verb === "compensate";
  return {
    txId: "order-1#0.1",
    branchId: "stock/0",
    verb,
    protocol: saga ? "saga" : "2pc",
    epoch: 5,
    begunAt,
    deadlineAt,
    payload: { item: 7, amount: 2 },
    origin: "origin of order-1#0.1",
    ...change,
  };
}

export interface Applied {
  readonly answer: Answer;
  /** The stored record afterwards. */
  readonly record: BranchRecord | undefined;
  /** What was asked of the business, if anything. */
  readonly operation?: BranchAction;
}

export interface Surroundings {
  readonly now?: number;
  readonly result?: ActionResult;
}

/** One command through judge, business and settle, as a participant does it in one atomic step. */
export function applyCommand(
  record: BranchRecord | undefined,
  received: Command,
  { now = begunAt + 10, result = { kind: "ok" } }: Surroundings = {},
): Applied {
  const judgement = judgeCommand(record, received, { now, limits: defaultLimits });
  if (judgement.kind === "answer") return { answer: judgement.answer, record: judgement.record ?? record };
  const { operation } = judgement;
  const settlement = settleCommand(record, received, { operation, result, now });
  return { answer: settlement.answer, record: settlement.record ?? record, operation };
}

export function branchSpec(branchId: string, after: readonly string[] = []): BranchSpec {
  return { branchId, step: `step ${branchId}`, service: branchId, partition: "0", payload: { of: branchId }, after };
}

export function transaction(change: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    txId: "order-1#0.1",
    key: "order-1",
    definition: "checkout",
    definitionHash: 42,
    protocol: "2pc",
    state: "active",
    epoch: 5,
    owner: "order-service/a.1",
    begunAt,
    deadlineAt,
    input: { total: 30 },
    changedAt: begunAt,
    ...change,
  };
}

export interface DrivenOptions {
  readonly protocol?: Protocol;
  readonly role?: "owner" | "recoverer";
  readonly state?: TransactionState;
  /** Branch id to the ids it comes after. */
  readonly branches?: Readonly<Record<string, readonly string[]>>;
  readonly limits?: Partial<Limits>;
  readonly rebuilt?: true;
}

/** A coordinator under test: events in, effects out as texts. Starts with `Begun` or `TakenOver` on `start`. */
export class Driven {
  state: CoordinatorState;
  now: number = begunAt;
  readonly limits: Limits;
  readonly protocol: Protocol;

  constructor({ protocol = "2pc", role = "owner", state = "active", branches, limits, rebuilt }: DrivenOptions = {}) {
    const specs = Object.entries(branches ?? { a: [], b: [] }).map(([id, after]) => branchSpec(id, after));
    this.protocol = protocol;
    this.limits = { ...defaultLimits, ...limits };
    const record = transaction({ protocol, state, ...(rebuilt !== undefined && { rebuilt }) });
    this.state = coordinatorState({ record, branches: specs, role });
  }

  start(): string[] {
    return this.feed({ type: this.state.role === "owner" ? "Begun" : "TakenOver" });
  }

  feed(event: CoordinatorEvent): string[] {
    const step = coordinate(this.state, event, { now: this.now, limits: this.limits });
    this.state = step.state;
    return step.effects.map(effectText);
  }

  answer(branchId: string, verb: Verb, answer: Answer): string[] {
    return this.feed({ type: "Answered", branchId, verb, answer });
  }

  /** The yes vote of a branch. */
  yes(branchId: string): string[] {
    const { vote, yesState } = verbTable[this.protocol];
    return this.answer(branchId, vote, { kind: "done", state: yesState });
  }

  refuse(branchId: string, reason: string): string[] {
    return this.answer(branchId, verbTable[this.protocol].vote, { kind: "refused", reason });
  }

  /** An acknowledgement of phase 2. */
  acknowledge(branchId: string, decision: Decision): string[] {
    const { forward, forwardState, backward, backwardState } = verbTable[this.protocol];
    const [verb, state] = decision === "commit" ? ([forward, forwardState] as const) : [backward, backwardState];
    return this.answer(branchId, verb, { kind: "done", state });
  }

  silent(branchId: string, verb: Verb): string[] {
    return this.feed({ type: "WentUnanswered", branchId, verb });
  }

  retry(branchId: string, verb: Verb): string[] {
    return this.feed({ type: "RetryFellDue", branchId, verb });
  }

  /** Whatever decision was asked for is durable now. */
  decisionDurable(decision: Decision, reason?: string): string[] {
    const { record } = this.state;
    return this.feed({
      type: "DecisionWritten",
      record: writeDecision(record, record, { decision, reason, now: this.now }).record,
    });
  }

  endDurable(): string[] {
    const { record } = this.state;
    return this.feed({ type: "EndWritten", record: writeEnd(record, record, this.now).record });
  }
}

function effectText(effect: CoordinatorEffect): string {
  switch (effect.type) {
    case "SendCommand":
      return `${effect.verb} ${effect.branchId}`;
    case "RetryLater": {
      const { delay } = effect;
      const detail =
        delay.kind === "backoff" ? ` ${delay.attempts}` : delay.kind === "contended" ? ` ${delay.waitedMs}` : "";
      return `retry ${effect.verb} ${effect.branchId} ${delay.kind}${detail}`;
    }
    case "WriteDecision":
      return effect.reason === undefined ? `write ${effect.decision}` : `write ${effect.decision} ${effect.reason}`;
    case "WriteEnd":
      return "write end";
    case "WriteRetryLater":
      return `rewrite ${effect.attempts}`;
    case "WaitForRelease":
      return "wait for release";
    case "TellOutcome":
      return effect.outcome.kind === "committed" ? "return committed" : `return aborted ${effect.outcome.reason}`;
    case "Park":
      return `park ${effect.note.reason}`;
    case "RaiseAlarm":
      return `alarm ${effect.code} ${effect.branchId}`;
    case "TakeOverOwnRecord":
      return "take over own record";
    case "StandDown":
      return "stand down";
  }
}
