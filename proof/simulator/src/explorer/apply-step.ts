// The effect of a step on a state.
import {
  type Answer,
  type Command,
  type CoordinatorEvent,
  decisionOf,
  decisionVerb,
  isEnded,
  isYesState,
  type ActionResult,
} from "assent/internal/protocol";
import { Draft, type Setting } from "./draft.ts";
import type { LogWrite, Message, MessageOf, Notice, WorldState } from "./world-state.ts";
import { changedHands, type WorldStep } from "./world-steps.ts";
import { noBudgets, worldLimits } from "./world.ts";

export interface Applied {
  readonly state: WorldState;
  readonly notices: readonly Notice[];
}

/** The attempt has just begun durably, and its first commands are in flight. */
export function initialState(setting: Setting): Applied {
  const { branches, budgets, protocol } = setting.world;
  const draft = new Draft(setting, {
    record: undefined,
    row: undefined,
    history: [],
    drivers: [],
    branches: branches.map(() => undefined),
    messages: [],
    left: { ...noBudgets, ...budgets },
    owners: 0,
    time: 0,
    returned: [],
    decided: [],
    finals: branches.map(() => undefined),
  });
  draft.begin(protocol);
  return { state: draft.finish(), notices: draft.notices };
}

/** @throws {InvariantViolation} of the state machines, which is a finding */
export function applyStep(setting: Setting, state: WorldState, step: WorldStep): Applied {
  const draft = new Draft(setting, state);
  perform(draft, step);
  return { state: draft.finish(), notices: draft.notices };
}

function perform(draft: Draft, step: WorldStep): void {
  switch (step.type) {
    case "deliver":
      if (step.vote === "contended") draft.spend("contentions");
      draft.take(step.message);
      return deliver(draft, step);
    case "lose":
      draft.spend(step.budget);
      draft.take(step.message);
      return lose(draft, step.message);
    case "duplicate":
      draft.spend("duplicates");
      return draft.add(step.message);
    case "crash":
      draft.spend("crashes");
      return draft.crash(step.process);
    case "take over":
      if (!step.needed) draft.spend("takeovers");
      return draft.takeOver(undefined);
    case "fail over":
      return failOver(draft, step.writes);
    case "deadline":
      draft.spend(step.uninterrupted ? "deadlines" : "stalls");
      return draft.feed(step.driver, { type: "DeadlinePassed", ownerUninterrupted: step.uninterrupted });
    case "ask":
      return ask(draft, step);
    case "read outcome":
      return readOutcome(draft);
    case "begin again":
      draft.spend("lives");
      return draft.begin(draft.setting.world.secondProtocol ?? draft.setting.world.protocol);
    case "lose vote":
      draft.spend("lostVotes");
      draft.branches[step.branch] = undefined;
      return;
    case "remove":
      draft.branches[step.branch] = undefined;
      return;
    case "remove outcome":
      draft.spend("removals");
      return draft.removeOutcome();
    case "time passes":
      draft.spend("ages");
      draft.time += 1;
  }
}

function deliver(draft: Draft, step: Extract<WorldStep, { type: "deliver" }>): void {
  const { message, vote, by } = step;
  switch (message.kind) {
    case "command":
      return receive(draft, message, vote);
    case "reply": {
      const { branchId } = draft.setting.specs[message.branch] ?? { branchId: "" };
      return feed(draft, message.to, { type: "Answered", branchId, verb: message.verb, answer: message.answer });
    }
    case "write":
      return writeLog(draft, message);
    case "written":
    case "timer":
      return feed(draft, message.to, message.event);
    case "reread":
      return reread(draft, message);
    case "question":
      return answerQuestion(draft, message, by);
    case "ruling":
      return applyRuling(draft, message);
  }
}

function feed(draft: Draft, to: string, event: CoordinatorEvent): void {
  const driver = draft.driver(to);
  if (driver !== undefined) draft.feed(driver, event);
}

function receive(draft: Draft, { branch, command, from }: MessageOf<"command">, vote: DeliveredVote): void {
  const answer = applyCommand(draft, branch, { command, result: resultOf(vote) });
  const isAwaited = from !== "" && draft.driver(from) !== undefined;
  if (isAwaited) draft.add({ kind: "reply", to: from, branch, verb: command.verb, answer });
}

type DeliveredVote = Extract<WorldStep, { type: "deliver" }>["vote"];

function resultOf(vote: DeliveredVote): ActionResult {
  if (vote === "agrees") return { kind: "ok" };
  return vote === "refuses" ? { kind: "refused", reason: "sold_out" } : { kind: "contended" };
}

/** One command through judge, business and settle, as a participant runs it in one atomic step. */
function applyCommand(
  draft: Draft,
  branch: number,
  { command, result }: { command: Command; result: ActionResult },
): Answer {
  const { judgeCommand, settleCommand } = draft.setting.machines;
  const record = draft.branches[branch];
  const { now } = draft;
  const judgement = judgeCommand(record, command, { now, limits: worldLimits });
  if (judgement.kind === "answer") {
    if (judgement.record !== undefined) draft.setBranch(branch, judgement.record);
    return judgement.answer;
  }
  const { operation } = judgement;
  if (operation === "reapply" && draft.finals[branch] === "forward") {
    draft.notices.push({ type: "EffectRepeated", branch });
  }
  const settled = settleCommand(record, command, { operation, result, now });
  if (settled.record !== undefined) draft.setBranch(branch, settled.record);
  return settled.answer;
}

function writeLog(draft: Draft, { from, write }: MessageOf<"write">): void {
  const event = written(draft, write);
  if (from !== "" && draft.driver(from) !== undefined) draft.add({ kind: "written", to: from, write, event });
}

function written(draft: Draft, { owner, epoch, decision, reason }: LogWrite): CoordinatorEvent {
  const { machines } = draft.setting;
  const { record, now } = draft;
  if (record === undefined) return { type: "OwnershipLost" };
  const claimant = { owner, epoch };
  const write =
    decision === undefined
      ? machines.writeEnd(record, claimant, now)
      : machines.writeDecision(record, claimant, { decision, reason, now });
  if (write.kind === "lost") return { type: "OwnershipLost" };
  if (write.kind === "written") draft.write(write.record);
  return { type: decision === undefined ? "EndWritten" : "DecisionWritten", record: write.record };
}

/** How a sender notices a loss: no answer arrived. */
function lose(draft: Draft, message: Message): void {
  if (message.kind === "command" || message.kind === "reply") {
    const to = message.kind === "reply" ? message.to : message.from;
    const verb = message.kind === "reply" ? message.verb : message.command.verb;
    const { branchId } = draft.setting.specs[message.branch] ?? { branchId: "" };
    return feed(draft, to, { type: "WentUnanswered", branchId, verb });
  }
  if (message.kind !== "write" && message.kind !== "written") return;
  const write = message.write.decision === undefined ? "end" : "decision";
  feed(draft, message.kind === "write" ? message.from : message.to, { type: "WriteWentUnanswered", write });
}

/** A process that lost or gave up the record continues only while it still owns it. */
function reread(draft: Draft, { process, seenEpoch }: MessageOf<"reread">): void {
  const { record } = draft;
  const isDriven = draft.drivers.some((driver) => driver.process === process);
  if (record === undefined || isEnded(record) || record.owner !== process || isDriven) return;
  draft.takeOver(process, seenEpoch);
}

/** Consecutive failovers count as one: together they never lose a change of owners. */
function failOver(draft: Draft, writes: number): void {
  const lost = draft.record;
  const kept = draft.history[writes - 1];
  const earlier = draft.history.slice(writes);
  const last = earlier.findIndex((older) => changedHands(kept, older));
  draft.record = kept;
  if (kept === undefined || changedHands(lost, kept)) draft.history = [];
  else draft.history = last === -1 ? earlier : earlier.slice(0, last);
  draft.spend("failovers");
}

function ask(draft: Draft, { branch, needed }: Extract<WorldStep, { type: "ask" }>): void {
  const record = draft.branches[branch];
  if (record === undefined) return;
  if (!needed) draft.spend("questions");
  const { epoch, begunAt, protocol } = record;
  draft.add({ kind: "question", branch, epoch, begunAt, protocol });
}

/** P6, R5: a durable decision, or "wait" (which is no message); a missing record is rebuilt. */
function answerQuestion(draft: Draft, question: MessageOf<"question">, by: string | undefined): void {
  if (draft.record === undefined) draft.rebuild(question, by);
  const { record } = draft;
  const decision = record === undefined ? undefined : decisionOf(record);
  if (record === undefined || decision === undefined) return;
  const { branch, protocol, begunAt, epoch: seen } = question;
  const ended = isEnded(record);
  const epoch = ended ? Math.max(record.epoch, seen) : record.epoch;
  const ruling = { decision, epoch, ended, protocol, begunAt };
  draft.add({ kind: "ruling", branch, ruling });
}

function applyRuling(draft: Draft, { branch, ruling }: MessageOf<"ruling">): void {
  const result = { kind: "ok" } as const;
  const verb = decisionVerb(ruling.protocol, ruling.decision);
  const answer = applyCommand(draft, branch, { command: draft.commandOf(branch, ruling, verb), result });
  if (answer.kind === "conflict") draft.notices.push({ type: "Alarmed", code: "conflict", branchId: `${branch}` });
  if (answer.kind !== "done" || !ruling.ended) return;
  applyCommand(draft, branch, { command: draft.commandOf(branch, ruling, "forget"), result });
}

/** C3: the caller of a duplicate request gets the outcome in the log; a failure only once it has ended. */
function readOutcome(draft: Draft): void {
  draft.spend("readers");
  const { record } = draft;
  if (record === undefined) return;
  const decision = decisionOf(record);
  if (decision === "commit" || (decision === "abort" && isEnded(record))) draft.returnOutcome(decision);
}

/** Whether no yes vote waits for a decision, and the record, if there is one, has ended. */
export function isSettled({ record, branches }: WorldState): boolean {
  if (record !== undefined && !isEnded(record)) return false;
  return branches.every((branch) => branch === undefined || !isYesState(branch.state));
}
