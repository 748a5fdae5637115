// Drops elements in flight that can never matter again, so that states are counted once. Every drop is confirmed by the
// state machine: the element has no effect now. It has no effect later either, because its conditions only grow: the
// epoch of a branch and of a record, the finality of a branch, the stage of a driver.
import { isYesState, verbRole } from "assent/internal/protocol";
import type { Draft } from "./draft.ts";
import type { Driver, Message, MessageOf } from "./world-state.ts";
import { worldLimits } from "./world.ts";

export function isStale(draft: Draft, message: Message): boolean {
  switch (message.kind) {
    case "command":
      return message.from === "" && isStaleCommand(draft, message);
    case "write":
      return message.from === "" && isStaleWrite(draft, message);
    case "reply":
    case "timer":
    case "written":
      return isIgnored(draft, message);
    default:
      return false;
  }
}

/** No process waits for the answer; the branch has seen a higher epoch, or has ended. Not if records are removed. */
function isStaleCommand(draft: Draft, { branch, command }: MessageOf<"command">): boolean {
  const record = draft.branches[branch];
  if (record === undefined || draft.left.lostVotes > 0 || draft.setting.world.budgets.ages !== undefined) return false;
  const isPast = command.epoch < record.epoch || (command.epoch === record.epoch && !isYesState(record.state));
  if (!isPast) return false;
  const judgement = draft.setting.machines.judgeCommand(record, command, { now: draft.now, limits: worldLimits });
  return judgement.kind === "answer" && judgement.record === undefined;
}

/** The record has another owner since, and no failover is left that could restore the former one. */
function isStaleWrite({ record, left, now, setting }: Draft, { write }: MessageOf<"write">): boolean {
  if (record === undefined || left.failovers > 0 || record.epoch <= write.epoch) return false;
  const { decision } = write;
  const { writeEnd, writeDecision } = setting.machines;
  const result =
    decision === undefined ? writeEnd(record, write, now) : writeDecision(record, write, { decision, now });
  return result.kind === "lost";
}

/** The driver has left the stage of this element. */
function isIgnored(draft: Draft, message: MessageOf<"reply"> | MessageOf<"timer"> | MessageOf<"written">): boolean {
  const driver = draft.driver(message.to);
  if (driver === undefined || !isOfPast(driver, message)) return false;
  const { branchId } = draft.setting.specs[message.kind === "reply" ? message.branch : 0] ?? { branchId: "" };
  const event =
    message.kind === "reply"
      ? ({ type: "Answered", branchId, verb: message.verb, answer: message.answer } as const)
      : message.event;
  const step = draft.setting.machines.coordinate(driver.state, event, { now: draft.now, limits: worldLimits });
  // Once the outcome is returned, the end of the wait only sets a flag that nothing reads.
  const isSame = step.state === driver.state || event.type === "ReleaseWaitPassed";
  return isSame && step.effects.length === 0;
}

function isOfPast({ state }: Driver, message: MessageOf<"reply"> | MessageOf<"timer"> | MessageOf<"written">): boolean {
  const { stage } = state;
  if (message.kind === "written") {
    return message.event.type === "DecisionWritten" && stage !== "deciding";
  }
  const verb = message.kind === "reply" ? message.verb : "verb" in message.event ? message.event.verb : undefined;
  if (verb === undefined)
    return message.kind === "timer" && message.event.type === "ReleaseWaitPassed" && state.reported;
  const role = verbRole(verb);
  if (role === "vote") return stage !== "voting";
  if (role === "query") return stage !== "questioning";
  return role !== "forget" && stage === "forgetting";
}
