// P2–P5, P7, P8, P10 at each command, inside the step that applies it: the record before, the command, the answer, and
// the record after. Written independently of the branch state machine.
import type { Account } from "assent/ledger";
import {
  type Answer,
  type BranchRecord,
  type Command,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  type Limits,
  verbRole,
} from "assent/internal/protocol";
import type { Report } from "./violation.ts";

export interface CommandStep {
  readonly before: BranchRecord | undefined;
  readonly command: Command;
  readonly answer: Answer;
  readonly after: BranchRecord | undefined;
  readonly now: number;
  readonly limits: Pick<Limits, "maxAgeMs">;
  /** An account as it was before the step. */
  readonly account: (accountId: string) => Account | undefined;
}

export function checkCommand(step: CommandStep, reportAny: Report): void {
  const { before, command } = step;
  const { txId, branchId, verb } = command;
  const report: RuleReport = (rule, text) => reportAny({ rule, text: `${branchId} ${verb}: ${text}`, txId });
  if (before === undefined) checkFirst(step, report);
  else if (command.epoch < before.epoch) checkFenced({ ...step, before }, report);
  else checkRepeated({ ...step, before }, report);
  if (step.answer.kind === "contended" && step.after !== before) report("P10", "contended, but recorded");
}

type RuleReport = (rule: string, text: string) => void;
type StepOnRecord = CommandStep & { readonly before: BranchRecord };

/** The first command of the transaction for a branch, or the first since its record was removed. */
function checkFirst({ command, answer, after, now, limits, account }: CommandStep, report: RuleReport): void {
  const role = verbRole(command.verb);
  if (role === "forget") {
    if (after !== undefined) report("P7", "created a record for a `forget`");
    return;
  }
  const isOld = now > command.begunAt + limits.maxAgeMs;
  if (isOld !== (answer.kind === "expired")) report("P7", `answered ${answer.kind} to a command that is ${age(isOld)}`);
  if (isOld && after !== undefined) report("P7", "an old command left a record");
  if (isOld) return;
  if ((role === "backward" || role === "query") && !(after !== undefined && isBackwardFinal(after.state))) {
    report("P3", `left ${after?.state ?? "nothing"} where it never ran`);
  }
  if (answer.kind !== "refused") return;
  if (after?.refusal !== answer.reason) report("P3", `refused for ${answer.reason}, but recorded ${after?.refusal}`);
  if (command.verb === "prepare" && answer.reason.startsWith("insufficient")) checkLack({ command, account }, report);
}

const age = (isOld: boolean): string => (isOld ? "too old" : "not too old");

/** P10: a refusal for lack of amount is final only if even the release of every hold could not satisfy it. */
function checkLack({ command, account }: Pick<CommandStep, "command" | "account">, report: RuleReport): void {
  const wanted = new Map<string, number>();
  const { entries } = command.payload as unknown as { entries: readonly (readonly [string, number])[] };
  for (const [accountId, amount] of entries) wanted.set(accountId, (wanted.get(accountId) ?? 0) + amount);
  const isShort = [...wanted].some(([accountId, amount]) => {
    const found = account(accountId);
    return found === undefined || found.available + found.held < amount;
  });
  if (!isShort) report("P10", "refused for lack of an amount that outstanding holds may still release");
}

function checkFenced({ before, command, answer, after }: StepOnRecord, report: RuleReport): void {
  const isFenced = answer.kind === "fenced" && answer.epoch === before.epoch;
  if (!isFenced) report("P5", `epoch ${command.epoch} was answered ${answer.kind} after epoch ${before.epoch}`);
  if (after?.state !== before.state || after.forgotten !== before.forgotten) {
    report("P5", `epoch ${command.epoch} changed what epoch ${before.epoch} had left`);
  }
}

function checkRepeated({ before, command, answer, after }: StepOnRecord, report: RuleReport): void {
  const role = verbRole(command.verb);
  if (after === undefined || after.epoch < command.epoch) report("P5", `did not record epoch ${command.epoch}`);
  if (answer.kind === "fenced") report("P5", "was fenced off by an epoch that is not higher");
  const isFinal = !isYesState(before.state);
  if (isFinal && after?.state !== before.state) report("P2", `changed ${before.state}, which is final`);
  const contradicts =
    (role === "forward" && isBackwardFinal(before.state)) || (role === "backward" && isForwardFinal(before.state));
  if (contradicts && answer.kind !== "conflict") report("P2", `answered ${answer.kind} on ${before.state}`);
  if (role === "vote") checkStoredVote({ before, answer, after }, report);
  if (answer.kind === "done" && answer.state !== after?.state) {
    report("P4", `answered ${answer.state}, but is ${after?.state}`);
  }
}

function checkStoredVote(
  { before, answer, after }: Pick<StepOnRecord, "before" | "answer" | "after">,
  report: RuleReport,
): void {
  if (after?.state !== before.state) report("P4", `a repeated vote changed ${before.state} to ${after?.state}`);
  if (answer.kind === "mismatch") return;
  const expected = isBackwardFinal(before.state) ? "refused" : "done";
  if (answer.kind !== expected) report("P4", `a repeated vote on ${before.state} was answered ${answer.kind}`);
}
