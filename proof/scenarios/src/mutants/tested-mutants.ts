// Mutants that no run of the simulator reaches or judges: in other adapters, and in guards that only matter outside the
// fault model. Each names the test that fails with it.
import type { Mutant } from "./apply-mutant.ts";
import { postgresMutants } from "./postgres-mutants.ts";

export interface TestedMutant extends Mutant {
  readonly test: {
    /** From the root of the repository. */
    readonly file: string;
    readonly name: string;
  };
}

export const testedMutants: readonly TestedMutant[] = [
  {
    id: "conflict-not-noticed",
    rule: "P2",
    what: "a commit of an aborted branch is applied",
    test: {
      file: "packages/assent/src/protocol/branch.test.ts",
      name: "P2 forward on backward and backward on forward is a conflict and changes nothing",
    },
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'if (isBackwardFinal(record.state)) return conflict(record);\n      if (record.protocol === "saga")',
        instead: 'if (record.protocol === "saga")',
      },
    ],
  },
  {
    id: "ends-undecided",
    rule: "C2",
    what: "a record ends although the log has lost its decision",
    test: {
      file: "packages/assent/src/protocol/transaction-record.test.ts",
      name: "C2, R3 an end whose decision the log has lost is lost, too: the state is part of the comparison",
    },
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: 'if (decision === undefined) return { kind: "lost", record };',
        instead: 'if (decision === undefined) return { kind: "written", record: { ...record, state: "aborted" } };',
      },
    ],
  },
  {
    id: "row-of-another-incarnation-decided",
    rule: "C4",
    what: "an attempt decides the row of another incarnation",
    test: {
      file: "packages/conformance/src/transaction-log-suite.test.ts",
      name: "a correct adapter passes every case",
    },
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: "row !== undefined && row.incarnation === incarnation && row.attempt === attempt ? row",
        instead: "row?.attempt === attempt ? row",
      },
    ],
  },
  {
    id: "own-lapse-unnoticed",
    rule: "C6",
    what: "a lease that has lapsed by the owner's clock counts as held without interruption",
    test: {
      file: "packages/assent/src/coordinator/ownership.test.ts",
      name: "C6, R2 a lapse that only the own clock saw is a new ownership, although the store kept the lease",
    },
    edits: [
      {
        file: "packages/assent/src/coordinator/ownership.ts",
        guard: " || this.#clock.monotonic() >= this.#heldUntil) {",
        instead: ") {",
      },
    ],
  },
  {
    id: "lease-of-another-held",
    rule: "R1",
    what: "the lease of this owner counts as held although another process holds it",
    test: {
      file: "packages/assent/src/coordinator/ownership.test.ts",
      name: "R1 the lease of this owner in the hands of another gives no right",
    },
    edits: [
      {
        file: "packages/assent/src/coordinator/ownership.ts",
        guard: "if (grant.holder === this.#owner) {",
        instead: "{",
      },
    ],
  },
  {
    id: "lapsed-leader-goes-on",
    rule: "R7",
    what: "a leader does not stop when the store has given its lease to another",
    test: {
      file: "packages/assent/src/coordinator/leadership.test.ts",
      name: "R7 a leader whose lease the store has given to another stops with its next renewal",
    },
    edits: [
      {
        file: "packages/assent/src/coordinator/leadership.ts",
        guard: "this.#heldUntil = holder === owner ? askedAt + this.#limits.leaseMs : -Infinity;",
        instead: "if (holder === owner) this.#heldUntil = askedAt + this.#limits.leaseMs;",
      },
    ],
  },
  {
    id: "lapsed-lease-keeps-its-counter",
    rule: "R7",
    what: "a holder whose lease lapsed does not count as a new holder",
    test: { file: "packages/conformance/src/lease-suite.test.ts", name: "a correct adapter passes every case" },
    edits: [
      {
        file: "packages/assent/src/engine/lease-operations.ts",
        guard: "const renews = grant !== undefined && grant.until > now;",
        instead: "const renews = grant?.holder === holder;",
      },
    ],
  },
  {
    id: "lost-reply-is-not-sent",
    rule: "M2",
    what: "commands whose replies were lost count as never sent, and are sent again",
    test: {
      file: "packages/redis/src/redis-client-port.test.ts",
      name: "M2 a killed connection loses its replies, is not opened again, and keeps no command",
    },
    edits: [
      {
        file: "packages/redis/src/redis-client-port.ts",
        guard: "throw new RepliesLost(true, { cause });",
        instead: "throw new RepliesLost(false, { cause });",
      },
    ],
  },
  {
    id: "scan-not-verified",
    rule: "C2",
    what: "the rows of a scan are not verified when the step commits",
    test: {
      file: "packages/redis/src/redis-executor.verification.test.ts",
      name: 'C2 C4 a scan of "index" that is deleted before it commits: note sees that',
    },
    edits: [
      {
        file: "packages/redis/src/batch.ts",
        guard:
          "if (this.#hasWritten) for (const [table, key, known] of this.#scanned) this.#noteRead(table, key, known);",
        instead: "",
      },
    ],
  },
  {
    id: "absence-not-verified",
    rule: "C2",
    what: "the absence of a record is not verified when the step commits",
    test: {
      file: "packages/redis/src/redis-executor.verification.test.ts",
      name: 'C2 C4 a get of "records" that is added before it commits: note sees that',
    },
    edits: [
      {
        file: "packages/redis/src/round.ts",
        guard: "if (known === undefined || this.#isAnswered(access)) return;",
        instead: 'if (known === undefined || known.version === "" || this.#isAnswered(access)) return;',
      },
    ],
  },
  {
    id: "deletes-not-verified",
    rule: "C2",
    what: "a step that only deletes does not verify its scanned rows",
    test: {
      file: "packages/redis/src/redis-executor.verification.test.ts",
      name: 'C2 C4 a scan of "ordered" that is deleted before it commits: clear sees that',
    },
    edits: [
      {
        file: "packages/redis/src/batch.ts",
        guard: "    this.#hasWritten = true;\n    this.#tables.delete(table, key);",
        instead: "    this.#hasWritten = false;\n    this.#tables.delete(table, key);",
      },
    ],
  },
  {
    id: "refused-step-deletes",
    rule: "C4",
    what: "a refused step still deletes",
    test: {
      file: "packages/redis/src/redis-executor.verification.test.ts",
      name: 'C2 C4 a get of "records" that is deleted before it commits: clear sees that',
    },
    edits: [
      {
        file: "packages/redis/src/verify-and-apply.ts",
        guard: "      if not refused[ARGV[conflictGroups + each]] then",
        instead: "      if command == 'HDEL' or command == 'ZREM' or not refused[ARGV[conflictGroups + each]] then",
      },
    ],
  },
  {
    id: "forget-sent-once",
    rule: "P7",
    what: "`forget` is not repeated for a branch that does not answer",
    test: {
      file: "packages/assent/src/protocol/forgetting.test.ts",
      name: "P7 `forget` is repeated for a silent branch, until each has acknowledged",
    },
    edits: [
      {
        file: "packages/assent/src/protocol/forgetting.ts",
        guard: "if (attempts >= limits.forgetAttempts) return",
        instead: "return",
      },
    ],
  },
  {
    id: "late-vote-weighed-again",
    rule: "M1",
    what: "the answer to a vote still counts after the decision",
    test: {
      file: "packages/assent/src/protocol/coordinator.test.ts",
      name: "P4 a retry that falls due late or twice never asks a branch that has answered",
    },
    edits: [
      {
        file: "packages/assent/src/protocol/coordinator.ts",
        guard: 'if (state.stage === "voting" && role === "vote") {',
        instead: 'if (role === "vote") {',
      },
    ],
  },
  {
    id: "recovery-error-spreads",
    rule: "R6",
    what: "an error in the recovery of one transaction is not contained",
    test: {
      file: "packages/assent/src/coordinator/recovery.test.ts",
      name: "R6 an error in the recovery of one record delays none of the others, on whatever page they are",
    },
    edits: [
      {
        file: "packages/assent/src/coordinator/recovery.ts",
        guard: '      return "failed";',
        instead: "      throw error;",
      },
    ],
  },
  {
    id: "rebuilt-without-its-row",
    rule: "R5",
    what: "a lost record is rebuilt undecided although its row says committed",
    test: {
      file: "packages/conformance/src/transaction-log-suite.test.ts",
      name: "a correct adapter passes every case",
    },
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (row.outcome === "committed") return rebuilt({ ...record, state: "committing" });',
        instead: "",
      },
    ],
  },
  {
    id: "rebuilt-over-a-later-attempt",
    rule: "R5",
    what: "a lost attempt is rebuilt although a later one has claimed the row",
    test: {
      file: "packages/conformance/src/transaction-log-suite.test.ts",
      name: "a correct adapter passes every case",
    },
    edits: [
      {
        file: "packages/assent/src/engine/log-steps.ts",
        guard: 'if (isSuperseded) return rebuilt({ ...record, state: "aborting", reason: "superseded" });',
        instead: "void isSuperseded;",
      },
    ],
  },
  ...postgresMutants,
];
