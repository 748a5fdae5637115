// Mutants of the sweeps: which process sweeps, and what it reads (R7).
import type { Mutant } from "./apply-mutant.ts";

export const sweepMutants: readonly Mutant[] = [
  {
    id: "leader-never-lets-go",
    rule: "R7",
    what: "the lease of a dead leader never lapses, so nothing is swept",
    edits: [
      {
        file: "packages/assent/src/coordinator/leadership.ts",
        guard: "await lease.acquire(this.#name, owner, this.#limits.leaseMs);",
        instead: "await lease.acquire(this.#name, owner, 1_000_000_000);",
      },
    ],
  },
  {
    id: "dead-owners-taken-for-alive",
    rule: "R2",
    what: "only overdue records of a dead owner are read, as if it were alive",
    edits: [
      {
        file: "packages/assent/src/coordinator/sweeper.ts",
        guard: "const isGone = await this.#options.environment.ownership.isGone(owner);",
        instead: "const isGone = false as boolean;",
      },
    ],
  },
  {
    id: "overdue-not-read",
    rule: "R7",
    what: "a sweep looks for overdue records in the wrong place",
    edits: [
      {
        file: "packages/assent/src/coordinator/sweeper.ts",
        guard: "{ deadlineBefore: clock.now() - limits.takeoverGraceMs }",
        instead: "{ deadlineBefore: clock.monotonic() - limits.maxAgeMs }",
      },
    ],
  },
  {
    id: "takeover-not-indexed",
    rule: "R4",
    what: "a takeover keeps the index entry of the former owner",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: "moveUnfinished(tables, { before, after: step.record });",
        instead: ";",
      },
    ],
  },
];
