// Mutants of rules that span a whole transaction: order, attempts, leases, rebuilding and forgetting.
import type { Mutant } from "./apply-mutant.ts";

export const lifecycleMutants: readonly Mutant[] = [
  {
    id: "after-ignored",
    rule: "order",
    what: "a step is asked before those it names in `after` have voted",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-one.ts",
        guard: 'if (branch.status !== "idle" || !branch.spec.after.every((id) => voted.has(id))) return branch;',
        instead: 'if (branch.status !== "idle") return branch; void voted;',
      },
    ],
  },
  {
    id: "backward-order-ignored",
    rule: "order",
    what: "an abort releases all branches at once, not in reverse",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'const ready = decision === "commit" ? (): boolean => true : nextBackward(state.branches);',
        instead: "const ready = (): boolean => true;",
      },
    ],
  },
  {
    id: "one-branch-sent-the-opposite",
    rule: "S1",
    what: "the first branch is sent the opposite of what was decided",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'effects.push({ type: "SendCommand", branchId: branch.spec.branchId, verb });',
        instead:
          'const opposite = decisionVerb(state.record.protocol, decision === "commit" ? "abort" : ' +
          '"commit"); effects.push({ type: "SendCommand", branchId: branch.spec.branchId, verb: branch ' +
          "=== state.branches[0] ? opposite : verb });",
      },
    ],
  },
  {
    id: "abort-is-success",
    rule: "S5",
    what: "an abort is reported as a success",
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'if (decision === "commit") {\n    const reported',
        instead: "if (decision !== undefined) {\n    const reported",
      },
    ],
  },
  {
    id: "forget-before-the-end",
    rule: "P7",
    what: "a branch gets `forget` when it has acknowledged, although others have not",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: "    return sendNext({ ...state, branches }, decision);",
        instead:
          "    const next = sendNext({ ...state, branches }, decision); return { ...next, effects: " +
          '[...next.effects, { type: "SendCommand", branchId: branch.spec.branchId, verb: "forget" }] };',
      },
    ],
  },
  {
    id: "attempt-left-out",
    rule: "S4",
    what: "an attempt number is skipped",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: "attempt: row.attempt + 1 });",
        instead: "attempt: row.attempt + 2 });",
      },
    ],
  },
  {
    id: "attempt-used-again",
    rule: "S4",
    what: "a new attempt has the number of the failed one before it",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: "attempt: row.attempt + 1 });",
        instead: "attempt: Math.max(1, row.attempt) });",
      },
    ],
  },
  {
    id: "rebuilt-at-the-askers-epoch",
    rule: "R5",
    what: "a lost record is rebuilt with the epoch of the branch that asked",
    edits: [
      {
        file: "packages/assent/src/coordinator/recovery.ts",
        guard: "epoch: nextEpoch(environment.clock.now(), question.epoch),",
        instead: "epoch: question.epoch,",
      },
    ],
  },
  {
    id: "row-changed-while-pending",
    rule: "C4",
    what: "an order changes while it is being checked out",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "pending" || row.outcome === "committed") return { kind: "unmet", row };',
        instead: 'if (row.outcome === "committed") return { kind: "unmet", row };',
      },
    ],
  },
  {
    id: "lease-counter-ignored",
    rule: "C6",
    what: "an owner ignores the lease counter, which shows that its lease had lapsed",
    edits: [
      {
        file: "packages/assent/src/coordinator/ownership.ts",
        guard: "grant.counter !== this.#counter || this.#clock.monotonic() >= this.#heldUntil",
        instead: "this.#clock.monotonic() >= this.#heldUntil",
      },
    ],
  },
  {
    id: "other-payload-accepted",
    rule: "P4",
    what: "the same name with another payload gets the stored answer",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return record.payloadHash === fingerprintOf(command.payload) ? undefined : { kind: "mismatch" };',
        instead: "return undefined;",
      },
    ],
  },
  {
    id: "forgetting-changes-the-outcome",
    rule: "S6",
    what: "a branch that forgets is aborted afterwards",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: "record: { ...kept, forgotten: true, changedAt: now } };",
        instead: 'record: { ...kept, state: "aborted", forgotten: true, changedAt: now } };',
      },
    ],
  },
  {
    id: "compensation-ends-aborted",
    rule: "P1",
    what: "a branch that was executed becomes aborted",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'const state = operation === "commit" ? verbs.forwardState : verbs.backwardState;',
        instead:
          'const state = operation === "commit" ? verbs.forwardState : operation === "compensate" ? ' +
          '"aborted" : verbs.backwardState;',
      },
    ],
  },
  {
    id: "owner-name-used-again",
    rule: "R1",
    what: "a restarted process reuses the name of its earlier run",
    edits: [
      {
        file: "proof/scenarios/src/deployment.ts",
        guard: "const owner = process.name;",
        instead: "const owner = slot;",
      },
    ],
  },
];
