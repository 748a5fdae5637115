// The possible next steps of a state: every element in flight may arrive, and faults may happen as budgets allow.
import { isEnded, isYesState, removableAt } from "assent/internal/protocol";
import type { Setting } from "./draft.ts";
import type { Driver, Message, MessageOf, WorldState } from "./world-state.ts";
import { branchName, times, type Vote, worldLimits } from "./world.ts";

export type WorldStep =
  /** `vote`: the answer of the business, if it is asked. `by`: the process that receives a question. */
  | {
      readonly type: "deliver";
      readonly message: Message;
      readonly vote: Exclude<Vote, "either"> | "contended";
      readonly by?: string;
    }
  | {
      readonly type: "lose";
      readonly message: Message;
      readonly budget: "lostMessages" | "lostReplies" | "lostWriteReplies";
    }
  | { readonly type: "duplicate"; readonly message: Message }
  | { readonly type: "crash"; readonly process: string }
  | { readonly type: "take over"; readonly needed: boolean }
  | { readonly type: "fail over"; readonly writes: number }
  | { readonly type: "deadline"; readonly driver: Driver; readonly uninterrupted: boolean }
  | { readonly type: "ask"; readonly branch: number; readonly needed: boolean }
  | { readonly type: "read outcome" }
  | { readonly type: "begin again" }
  | { readonly type: "lose vote"; readonly branch: number }
  | { readonly type: "remove"; readonly branch: number }
  | { readonly type: "remove outcome" }
  | { readonly type: "time passes" };

/** Whether the step needs no fault and no slowness: the steps that remain when faults have stopped (S7). */
export function isFree(step: WorldStep): boolean {
  if (step.type === "deliver") return step.vote !== "contended";
  return (step.type === "take over" || step.type === "ask") && step.needed;
}

export function stepsOf(setting: Setting, state: WorldState): readonly WorldStep[] {
  const steps: WorldStep[] = [];
  state.messages.forEach((message, index) => {
    if (state.messages[index - 1]?.key === message.key) return;
    addDeliveries(setting, state, { message, steps });
    addMishaps(state, message, steps);
  });
  addOwnership(state, steps);
  addLogFaults(state, steps);
  state.branches.forEach((_, branch) => addBranchSteps(setting, state, { branch, steps }));
  const age = state.time < times.length - 1 && state.left.ages > 0;
  if (age) steps.push({ type: "time passes" });
  if (mayRemoveOutcome(setting, state)) steps.push({ type: "remove outcome" });
  if (state.left.readers > 0 && state.record !== undefined) steps.push({ type: "read outcome" });
  return steps;
}

/** P7: not before every branch has forgotten. Time is coarse: the last of `times` is the end of its lifetime. */
function mayRemoveOutcome({ machines }: Setting, { record, branches, left, time }: WorldState): boolean {
  if (record === undefined || !isEnded(record) || left.removals === 0 || time < times.length - 1) return false;
  return machines.mayRemove(record, branches);
}

function addDeliveries(
  { world }: Setting,
  state: WorldState,
  { message, steps }: { message: Message; steps: WorldStep[] },
): void {
  if (message.kind === "question" && state.record === undefined) {
    for (const by of new Set(state.drivers.map(({ process }) => process))) {
      steps.push({ type: "deliver", message, vote: "agrees", by });
    }
  }
  const isFirst = message.kind === "command" && state.branches[message.branch] === undefined;
  const vote = isFirst ? (world.branches[message.branch]?.vote ?? "agrees") : "agrees";
  const isVote = isFirst && (message.command.verb === "prepare" || message.command.verb === "execute");
  if (vote !== "refuses" || !isVote) steps.push({ type: "deliver", message, vote: "agrees" });
  if (!isVote) return;
  if (vote !== "agrees") steps.push({ type: "deliver", message, vote: "refuses" });
  if (state.left.contentions > 0) steps.push({ type: "deliver", message, vote: "contended" });
}

function addMishaps({ left }: WorldState, message: Message, steps: WorldStep[]): void {
  const { kind } = message;
  if ((kind === "command" || kind === "write") && left.lostMessages > 0) {
    steps.push({ type: "lose", message, budget: "lostMessages" });
  }
  if ((kind === "reply" || kind === "ruling") && left.lostReplies > 0) {
    steps.push({ type: "lose", message, budget: "lostReplies" });
  }
  if (kind === "written" && left.lostWriteReplies > 0) {
    steps.push({ type: "lose", message, budget: "lostWriteReplies" });
  }
  if (left.duplicates > 0 && (kind === "command" || kind === "reply" || kind === "write" || kind === "ruling")) {
    steps.push({ type: "duplicate", message });
  }
}

function addOwnership({ record, drivers, messages, left }: WorldState, steps: WorldStep[]): void {
  const processes = new Set(drivers.map(({ process }) => process));
  for (const message of messages) if (message.kind === "reread") processes.add(message.process);
  if (left.crashes > 0) for (const process of processes) steps.push({ type: "crash", process });
  for (const driver of drivers) {
    if (driver.state.role !== "owner" || driver.state.stage !== "voting") continue;
    if (left.deadlines > 0) steps.push({ type: "deadline", driver, uninterrupted: true });
    if (left.stalls > 0) steps.push({ type: "deadline", driver, uninterrupted: false });
  }
  if (record === undefined || isEnded(record)) return;
  if (!processes.has(record.owner)) steps.push({ type: "take over", needed: true });
  else if (left.takeovers > 0) steps.push({ type: "take over", needed: false });
}

function addLogFaults({ record, history, left }: WorldState, steps: WorldStep[]): void {
  if (left.failovers > 0) for (const writes of losable(record, history)) steps.push({ type: "fail over", writes });
  if (left.lives > 0 && record === undefined) steps.push({ type: "begin again" });
}

/** Whether the write between two versions of the record changed its owner. */
export function changedHands(newer: WorldState["record"], older: WorldState["record"]): boolean {
  return older !== undefined && (newer?.owner !== older.owner || newer.epoch !== older.epoch);
}

/** How many writes one failover may lose: the newest, or more unless ownership has changed among them. */
function losable(record: WorldState["record"], history: WorldState["history"]): readonly number[] {
  const counts: number[] = [];
  let newer = record;
  for (const [index, older] of history.entries()) {
    const changed = changedHands(newer, older);
    if (index === 0 || !changed) counts.push(index + 1);
    if (changed) break;
    newer = older;
  }
  return counts;
}

function addBranchSteps(
  { machines }: Setting,
  state: WorldState,
  { branch, steps }: { branch: number; steps: WorldStep[] },
): void {
  const record = state.branches[branch];
  if (record === undefined) return;
  const { left, messages } = state;
  if (machines.shouldAsk(record) && !messages.some((message) => isAboutQuestion(message, branch))) {
    // Long after everything else: earlier questions need a budget.
    const needed = messages.length === 0 && (state.record === undefined || isEnded(state.record));
    if (needed || left.questions > 0) steps.push({ type: "ask", branch, needed });
  }
  if (isYesState(record.state) && left.lostVotes > 0) steps.push({ type: "lose vote", branch });
  const goneAt = removableAt(record, worldLimits);
  const now = times[state.time as 0] ?? 0;
  if (goneAt !== undefined && goneAt <= now) steps.push({ type: "remove", branch });
}

function isAboutQuestion(message: Message, branch: number): message is MessageOf<"question"> | MessageOf<"ruling"> {
  return (message.kind === "question" || message.kind === "ruling") && message.branch === branch;
}

function describeArrival({ vote, by }: Extract<WorldStep, { type: "deliver" }>): string {
  const said = { agrees: "", refuses: ", which is refused", contended: ", which is contended" };
  return `${said[vote]}${by === undefined ? "" : `, at ${by}`}`;
}

/** One line of a trace. */
export function describeStep(step: WorldStep): string {
  switch (step.type) {
    case "deliver":
      return `arrives: ${step.message.key}${describeArrival(step)}`;
    case "lose":
      return `LOST: ${step.message.key}`;
    case "duplicate":
      return `DOUBLED: ${step.message.key}`;
    case "crash":
      return `CRASH of ${step.process}`;
    case "take over":
      return step.needed ? "the record of a dead owner is taken over" : "TAKEOVER from a live owner";
    case "fail over":
      return `FAILOVER: the log loses its newest ${step.writes === 1 ? "write" : `${step.writes} writes`}`;
    case "deadline":
      return `DEADLINE at ${step.driver.id}${step.uninterrupted ? "" : ", which was interrupted"}`;
    case "ask":
      return `${branchName(step.branch)} asks for the outcome`;
    case "read outcome":
      return "a caller reads the outcome from the log";
    case "begin again":
      return "a caller begins the lost attempt again";
    case "lose vote":
      return `VOTE LOST by the store of ${branchName(step.branch)}`;
    case "remove":
      return `the record of ${branchName(step.branch)} is removed`;
    case "remove outcome":
      return "the outcome is REMOVED from the log";
    case "time passes":
      return "TIME passes";
  }
}
