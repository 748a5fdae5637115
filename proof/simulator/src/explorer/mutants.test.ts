// Mutants of the state machines, each in a world small enough to be explored in moments. explorer.test.ts runs them.
import {
  type BranchContext,
  type BranchRecord,
  type Command,
  coordinate,
  type CoordinatorState,
  type CoordinatorStep,
  type Decision,
  isBackwardFinal,
  isYesState,
  judgeCommand,
  type Judgement,
  settleCommand,
  verbRole,
  writeDecision,
} from "assent/internal/protocol";
import type { BranchPlan, Budgets, Machines, World } from "./index.ts";

export interface MachineMutant {
  readonly name: string;
  /** The rule that the shortest trace breaks. */
  readonly breaks: string;
  readonly world: World;
}

interface MutantSetup {
  readonly machines: Partial<Machines>;
  readonly branches?: readonly BranchPlan[];
  readonly budgets?: Partial<Budgets>;
  readonly around?: Partial<World>;
}

function mutant(
  breaks: string,
  name: string,
  { machines, branches, budgets = {}, around = {} }: MutantSetup,
): MachineMutant {
  const plans = branches ?? [{ vote: "agrees" }, { vote: "agrees" }];
  const world: World = { name, shows: breaks, protocol: "2pc", branches: plans, budgets, machines, ...around };
  return { name, breaks, world };
}

/** A coordinator whose steps are modified after they are computed. */
function afterwards(
  change: (step: CoordinatorStep, event: Parameters<typeof coordinate>[1], before: CoordinatorState) => CoordinatorStep,
): typeof coordinate {
  return (state, event, context) => change(coordinate(state, event, context), event, state);
}

function decide(state: CoordinatorState, decision: Decision): CoordinatorStep {
  return {
    state: { ...state, stage: "deciding", intent: { decision }, decisionAttempts: 0 },
    effects: [{ type: "WriteDecision", decision }],
  };
}

const isQuestioning = ({ stage }: CoordinatorState): boolean => stage === "questioning";

/** A branch that acts as if it had never seen a higher epoch than the command's. */
function unfenced(record: BranchRecord | undefined, command: Command, context: BranchContext): Judgement {
  if (record === undefined) return judgeCommand(record, command, context);
  const judgement = judgeCommand({ ...record, epoch: Math.min(record.epoch, command.epoch) }, command, context);
  if (judgement.kind !== "answer" || judgement.record === undefined) return judgement;
  return { ...judgement, record: { ...judgement.record, epoch: Math.max(record.epoch, command.epoch) } };
}

function withoutTombstone(record: BranchRecord | undefined, command: Command, context: BranchContext): Judgement {
  const judgement = judgeCommand(record, command, context);
  if (record !== undefined || judgement.kind !== "answer") return judgement;
  return { kind: "answer", answer: judgement.answer };
}

/** A branch that can still be moved after it has ended. */
function unsettled(record: BranchRecord | undefined, command: Command, context: BranchContext): Judgement {
  if (record === undefined || !isBackwardFinal(record.state) || verbRole(command.verb) !== "vote") {
    return judgeCommand(record, command, context);
  }
  return { kind: "run", operation: "prepare" };
}

/** The last decision wins, whichever process writes it. */
const overwriting: typeof writeDecision = (record, claimant, made) => {
  const { kind, record: next } = writeDecision({ ...record, ...claimant, state: "active" }, claimant, made);
  return { kind, record: { ...next, owner: record.owner, epoch: record.epoch } };
};

const failover = { failovers: 1, crashes: 1, questions: 1 };

export const machineMutants: readonly MachineMutant[] = [
  mutant("C1", "commit on the first yes vote", {
    machines: {
      coordinate: afterwards((step, event) =>
        event.type === "Answered" && step.state.stage === "voting" ? decide(step.state, "commit") : step,
      ),
    },
  }),
  mutant("C6", "silence decides in recovery (T1)", {
    machines: {
      coordinate: afterwards((step, event) =>
        event.type === "WentUnanswered" && isQuestioning(step.state) ? decide(step.state, "abort") : step,
      ),
    },
    budgets: { crashes: 1, lostMessages: 1 },
  }),
  mutant("C5", "an abort of something that never ran leaves no tombstone", {
    machines: { judgeCommand: withoutTombstone },
    budgets: { deadlines: 1 },
  }),
  mutant("C1", "the epoch fence is ignored", {
    machines: { judgeCommand: unfenced },
    budgets: { failovers: 1, takeovers: 1, deadlines: 1 },
  }),
  mutant("C2", "a later decision overwrites the first", {
    machines: {
      writeDecision: overwriting,
    },
    budgets: { takeovers: 1, deadlines: 1 },
  }),
  mutant("S5", "no record is abort (T3)", {
    machines: { rebuild: (lost) => ({ ...lost, state: "aborting", reason: "unknown" }) },
    budgets: failover,
    around: { failoverDepth: 2 },
  }),
  mutant("C2", "an owner whose decision went unanswered decides the opposite (T9)", {
    machines: {
      coordinate: afterwards((step, event) =>
        event.type === "WriteWentUnanswered" && event.write === "decision" ? decide(step.state, "abort") : step,
      ),
    },
    budgets: { lostWriteReplies: 1 },
  }),
  mutant("C3", "success is reported when the decision is requested", {
    machines: {
      coordinate: afterwards((step) => {
        const commits = step.effects.some((effect) => effect.type === "WriteDecision" && effect.decision === "commit");
        if (!commits) return step;
        return { ...step, effects: [...step.effects, { type: "TellOutcome", outcome: { kind: "committed" } }] };
      }),
    },
  }),
  mutant("C3", "recovery sends abort before it decides (T10)", {
    machines: {
      coordinate: afterwards((step, _, before) =>
        isQuestioning(before) && step.state.intent?.decision === "abort"
          ? { ...step, effects: [{ type: "SendCommand", branchId: "a", verb: "abort" }, ...step.effects] }
          : step,
      ),
    },
    branches: [{ vote: "agrees" }, { vote: "refuses" }],
    budgets: { crashes: 1 },
  }),
  mutant("C5", "failure is reported at the decision (T2)", {
    machines: {
      coordinate: afterwards((step, event) =>
        event.type === "DecisionWritten" && step.state.intent?.decision === "abort"
          ? { ...step, effects: [{ type: "TellOutcome", outcome: { kind: "aborted", reason: "" } }, ...step.effects] }
          : step,
      ),
    },
    budgets: { deadlines: 1 },
  }),
  mutant("P2", "a late prepare revives a branch that was aborted", {
    machines: {
      judgeCommand: unsettled,
      settleCommand: (record, command, settled) =>
        settleCommand(settled.operation === "prepare" ? undefined : record, command, settled),
    },
    budgets: { deadlines: 1 },
  }),
  mutant("R4", "the end is written at the decision", {
    machines: {
      coordinate: afterwards((step, event) =>
        event.type === "DecisionWritten" ? { ...step, effects: [...step.effects, { type: "WriteEnd" }] } : step,
      ),
    },
  }),
  mutant("S7", "an executed branch never asks (T4)", {
    machines: { shouldAsk: (record) => !isYesState(record.state) },
    budgets: failover,
    around: { protocol: "saga", failoverDepth: 2 },
  }),
  mutant("S7", "a command without an answer is not sent again", {
    machines: {
      coordinate: afterwards((step) => ({
        ...step,
        effects: step.effects.filter(({ type }) => type !== "RetryLater"),
      })),
    },
    budgets: { lostMessages: 1 },
  }),
  mutant("S7", "a takeover keeps the epoch", {
    machines: { nextEpoch: (now) => now },
    budgets: { crashes: 1 },
    around: { clock: "still" },
  }),
];
