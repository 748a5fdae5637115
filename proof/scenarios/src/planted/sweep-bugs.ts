// Planted bugs of the sweeps: who sweeps, and what they read (R7).
import type { PlantedBug } from "./plant.ts";

export const sweepBugs: readonly PlantedBug[] = [
  {
    id: "leader-never-lets-go",
    rule: "R7",
    what: "the leader's lease outlives it: whoever it dies with, nobody sweeps",
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
    what: "of an owner whose lease has lapsed only what is overdue is looked at, as if it lived",
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
    what: "a record that is taken over stays where its former owner had it in the index",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: 'if (write.kind === "written") moveUnfinished(tables, { before, after: write.record });',
        instead: "",
      },
    ],
  },
];
