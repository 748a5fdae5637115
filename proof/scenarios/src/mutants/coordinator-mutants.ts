// Mutants of the coordinator: its state machine, recovery, and the rules of the record.
import type { Mutant } from "./apply-mutant.ts";

export const coordinatorMutants: readonly Mutant[] = [
  {
    id: "commit-on-some-votes",
    rule: "C1",
    what: "one yes vote is enough",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-one.ts",
        guard:
          'if (state.branches.every((b) => b.status === "yes" || b.status === "forward")) return ' +
          'intend(state, "commit");',
        instead:
          'if (state.branches.some((b) => b.status === "yes" || b.status === "forward")) return { ' +
          'state: { ...state, stage: "deciding", intent: { decision: "commit" }, decisionAttempts: ' +
          '0 }, effects: [{ type: "WriteDecision", decision: "commit" }] };',
      },
    ],
  },
  {
    id: "refusal-is-a-vote",
    rule: "C1",
    what: "a refusal counts as yes",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-one.ts",
        guard: 'return { status: "no", refusal: answer.reason };',
        instead: 'return { status: "yes" };',
      },
    ],
  },
  {
    id: "opposite-after-lost-reply",
    rule: "C2",
    what: "a decision whose reply is lost is replaced by its opposite",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'return { state, effects: [{ type: "WriteDecision", ...state.intent }] };',
        instead:
          'return { state: { ...state, intent: { decision: "abort", reason: "timeout" } }, ' +
          'effects: [{ type: "WriteDecision", decision: "abort", reason: "timeout" }] };',
      },
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard:
          'if (current !== undefined) return { kind: "lost", record };\n  invariant(record.state ' +
          '=== "active", "C2", "only an active record is decided");',
        instead: "",
      },
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "committed") return { result: { kind: "lost", record } };',
        instead: "",
      },
    ],
  },
  {
    id: "lost-write-given-up",
    rule: "C2",
    what: "a decision whose reply is lost is not written again",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'effects: [{ type: "WriteRetryLater", attempts }] };',
        instead: "effects: [] };",
      },
    ],
  },
  {
    id: "reported-before-durable",
    rule: "C3",
    what: "success is reported when the decision is requested",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-one.ts",
        guard: 'effects: [{ type: "WriteDecision", ...intent }],',
        instead:
          'effects: [...(decision === "commit" ? [{ type: "TellOutcome" as const, outcome: { kind: ' +
          '"committed" as const } }] : []), { type: "WriteDecision", ...intent }],',
      },
    ],
  },
  {
    id: "failure-reported-at-once",
    rule: "C5",
    what: "failure is reported without a tombstone",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: "const enough = released === state.branches.length || (state.releaseWaitOver && released > 0);",
        instead: "const enough = released >= 0;",
      },
    ],
  },
  {
    id: "silence-aborts-in-recovery",
    rule: "C6",
    what: "recovery takes silence for a no",
    edits: [
      {
        file: "packages/assent/src/protocol/recovery.ts",
        guard: 'return { kind: "wait" };',
        instead: 'return { kind: "abort", reason: "silence" };',
      },
    ],
  },
  {
    id: "silence-commits-in-recovery",
    rule: "C6",
    what: "recovery takes silence for a yes",
    edits: [
      {
        file: "packages/assent/src/protocol/recovery.ts",
        guard: 'return { kind: "wait" };',
        instead: 'return { kind: "commit" };',
      },
    ],
  },
  {
    id: "late-owner-aborts",
    rule: "C6",
    what: "an owner that stalled lets silence decide",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'if (ownerUninterrupted && state.role === "owner") return intend(state, "abort", reason ?? "timeout");',
        instead: 'return intend(state, "abort", reason ?? "timeout");',
      },
    ],
  },
  {
    id: "ends-early",
    rule: "R4",
    what: "a transaction ends with its first acknowledgement",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'if (branches.every((branch) => branch.status === "done")) {',
        instead: 'if (branches.some((branch) => branch.status === "done")) {',
      },
    ],
  },
  {
    id: "parking-is-an-exit",
    rule: "R4",
    what: "a parked transaction is not retried",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard:
          'return { state: step.state, effects: [{ type: "Park", note }, ...step.effects] ' +
          "};\n}\n\nfunction retryDue",
        instead: 'return { state: step.state, effects: [{ type: "Park", note }] };\n}\n\nfunction retryDue',
      },
    ],
  },
  {
    id: "no-retries",
    rule: "R4",
    what: "a command without an answer is not sent again",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'return { state: withBranch(state, branch), effects: [{ type: "SendCommand", branchId, verb }] };',
        instead: "return { state: withBranch(state, branch), effects: [] };",
      },
    ],
  },
  {
    id: "never-asked-not-aborted",
    rule: "C6",
    what: "branches that never answered are not aborted",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'const settled = decision === "abort" && branch.status === "no";',
        instead: 'const settled = decision === "abort" && branch.status !== "yes";',
      },
    ],
  },
  {
    id: "unknown-is-yes",
    rule: "M3",
    what: "an answer without information is taken for a yes",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'if (answer.kind === "unknown" || answer.kind === "fenced") {',
        instead:
          'if (role === "vote" && answer.kind === "unknown") return answered(state, { branchId, verb, answer: { ' +
          'kind: "done", state: "prepared" } }, context);\n  if (answer.kind === "unknown" || answer.kind === ' +
          '"fenced") {',
      },
    ],
  },
  {
    id: "anybody-decides",
    rule: "C2",
    what: "a process that is not the owner decides",
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: 'if (!holds(record, claimant)) return { kind: "lost", record };\n  const current',
        instead: "const current",
      },
    ],
  },
  {
    id: "takeover-keeps-epoch",
    rule: "R2",
    what: "a takeover keeps the epoch",
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: 'return { kind: "written", record: { ...record, owner, epoch, changedAt: now } };',
        instead: 'void epoch; return { kind: "written", record: { ...record, owner, changedAt: now } };',
      },
    ],
  },
];
