// Mutants of the code around the state machines: log, driver, recovery, stores, transport.
import type { Mutant } from "./apply-mutant.ts";

export const orchestratorMutants: readonly Mutant[] = [
  {
    id: "epochs-used-again",
    rule: "R2",
    what: "a takeover goes back to an earlier epoch",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard: "return nextEpoch(clock.now(), record.epoch, seen);",
        instead: "void nextEpoch; void clock; void seen; return record.epoch;",
      },
    ],
  },
  {
    id: "row-not-paid",
    rule: "C4",
    what: "the commit does not change its row",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'return { ...step, row: { ...changed, outcome: "committed" } };',
        instead: "return step;",
      },
    ],
  },
  {
    id: "row-not-freed",
    rule: "C4",
    what: "the abort does not free its row",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'return { ...step, row: { ...row, outcome: "aborted", reason: reason ?? "aborted" } };',
        instead: "return step;",
      },
    ],
  },
  {
    id: "claim-ignored",
    rule: "S4",
    what: "a second attempt begins while the first runs",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "pending") return { result: { kind: "in_flight", txId } };',
        instead: "",
      },
    ],
  },
  {
    id: "success-forgotten",
    rule: "S4",
    what: "a paid order can be checked out again",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "committed") return { result: { kind: "committed", txId } };',
        instead: "",
      },
    ],
  },
  {
    id: "index-left-early",
    rule: "R4",
    what: "a decided transaction leaves the index before its end",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: "return written(tables, decideStep(request, { stored, row }, { now, limits }));",
        instead:
          "const step = decideStep(request, { stored, row }, { now, limits });\n" +
          "if (step.record) removeUnfinished(tables, step.record);\nreturn written(tables, step);",
      },
    ],
  },
  {
    id: "no-record-is-abort",
    rule: "R5",
    what: "a question about an unknown record is answered abort",
    edits: [
      {
        file: "packages/assent/src/coordinator/question-desk.ts",
        guard:
          "const record = (await this.#environment.log.read(question.txId)) ?? (await this.#rebuild(question));\n    " +
          'if (record === undefined || this.#isOfAnother(record, question)) return { kind: "wait" };',
        instead:
          "const record = await this.#environment.log.read(question.txId);\n    if (record === " +
          'undefined) return { kind: "decided", decision: "abort", epoch: question.epoch, ended: true };',
      },
    ],
  },
  {
    id: "undecided-is-abort",
    rule: "P6",
    what: "a question about an undecided record is answered abort",
    edits: [
      {
        file: "packages/assent/src/coordinator/question-desk.ts",
        guard: 'if (decision === undefined) return { kind: "wait" };',
        instead:
          'if (decision === undefined) return { kind: "decided", decision: "abort", epoch: ' +
          "record.epoch, ended: false };",
      },
    ],
  },
  {
    id: "silence-is-refusal",
    rule: "C6",
    what: "no answer is taken for a refusal",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard: 'this.#dispatch({ type: "WentUnanswered", branchId, verb });',
        instead:
          'this.#dispatch({ type: "Answered", branchId, verb, answer: { ' + 'kind: "refused", reason: "timeout" } });',
      },
    ],
  },
  {
    id: "silence-is-success",
    rule: "C1",
    what: "no answer is taken for a yes",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard: 'this.#dispatch({ type: "WentUnanswered", branchId, verb });',
        instead:
          'this.#dispatch({ type: "Answered", branchId, verb, answer: { ' + 'kind: "done", state: "prepared" } });',
      },
    ],
  },
  {
    id: "silence-decides-anyway",
    rule: "C6",
    what: "an owner with a log that may lose writes aborts on silence",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard: "if (logMayLoseTail) return false;",
        instead: "void logMayLoseTail;",
      },
    ],
  },
  {
    id: "stalled-owner-unnoticed",
    rule: "C6",
    what: "a stall is not noticed",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard:
          "return elapsedMs <= limits.phaseOneDeadlineMs + limits.takeoverGraceMs && " +
          "ownership.isHeld(this.#startedAt);",
        instead: "void elapsedMs; void limits; void ownership; return true;",
      },
    ],
  },
  {
    id: "no-recovery",
    rule: "R3",
    what: "transactions of dead owners are not taken over",
    edits: [
      {
        file: "packages/assent/src/coordinator/recovery.ts",
        guard: 'if (!hasGivenUp && !isOwnerGone && !this.#isOverdue(seen)) return "done";',
        instead: 'void hasGivenUp; void isOwnerGone; return "done";',
      },
    ],
  },
  {
    id: "other-error-is-refusal",
    rule: "C6",
    what: "a failed store is taken for a refusal",
    edits: [
      {
        file: "packages/assent/src/participant/failed-answer.ts",
        guard: 'return { kind: "unknown", reason: cause instanceof HandlerFailed ? handlerFailed : code };',
        instead: 'return { kind: "refused", reason: code };',
      },
    ],
  },
  {
    id: "answered-before-commit",
    rule: "C3",
    what: "steps are answered although their commit failed",
    edits: [
      {
        file: "packages/assent/src/engine/executor.ts",
        guard: "const failure = this.#commit();",
        instead: "this.#commit(); const failure = undefined as StoreFailure | undefined;",
      },
    ],
  },
  {
    id: "answers-mixed-up",
    rule: "M4",
    what: "every command of a message gets the first answer",
    edits: [
      {
        file: "packages/assent/src/ports/outbox.ts",
        guard: "const reply = replies[index];",
        instead: "const reply = replies[index - index];",
      },
    ],
  },
  {
    id: "claim-expires",
    rule: "S4",
    what: "the claim of a running attempt expires",
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "pending") return { result: { kind: "in_flight", txId } };',
        instead:
          'if (row.outcome === "pending" && now < (found.previous()?.begunAt ?? 0) + 2_500) return { result: { ' +
          'kind: "in_flight", txId } };',
      },
    ],
  },
  {
    id: "write-leaves-no-entry",
    rule: "history",
    what: "a takeover is missing from the history",
    edits: [
      {
        file: "packages/assent/src/protocol/record-history.ts",
        guard: 'return [afterMs, "taken_over", before.owner, before.epoch];',
        instead: "return undefined;",
      },
    ],
  },
  {
    id: "not-indexed",
    rule: "R4",
    what: "a transaction that begins is not in the index",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: "if (step.record !== undefined) addUnfinished(tables, step.record);",
        instead: "",
      },
    ],
  },
  {
    id: "probe-never-given-back",
    rule: "D11",
    what: "a breaker's inconclusive probe keeps its permit",
    edits: [
      {
        file: "packages/assent/src/coordinator/orchestrator.ts",
        guard: "breakers.release(entered.probes);",
        instead: "void entered.probes;",
      },
    ],
  },
  {
    id: "forgets-while-end-can-be-lost",
    rule: "R5",
    what: "branches forget although the log may still lose the end",
    edits: [
      {
        file: "packages/assent/src/coordinator/transaction-driver.ts",
        guard: 'if (verb === "forget" && logMayLoseTail) return;',
        instead: "",
      },
    ],
  },
  {
    id: "takes-over-anything",
    rule: "R2",
    what: "a takeover does not compare the owner it has read",
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: "if (!holds(record, seen) || isEnded(record) || taker.epoch <= record.epoch)",
        instead: "if (isEnded(record))",
      },
    ],
  },
];
