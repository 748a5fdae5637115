// Mutants of lifetimes: how long outcomes are kept, which branches must forget them, what `expired` proves (ADR 0015).
import type { Mutant } from "./apply-mutant.ts";

export const lifetimeMutants: readonly Mutant[] = [
  {
    id: "removed-by-age",
    rule: "S7",
    what: "a record and its history are removed by age, ended or not",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: "if (step.record !== undefined) addUnfinished(tables, step.record);",
        instead:
          "if (step.record) { addUnfinished(tables, step.record);\n" +
          "addRemovable(tables, step.record, { maxAgeMs: 5_000 }); }",
      },
      {
        file: "packages/assent/src/engine/removable-index.ts",
        guard: "record !== undefined && isEnded(record) && outcomeKeptUntil(record, lifetime) < now;",
        instead: "record !== undefined && outcomeKeptUntil(record, lifetime) < now;",
      },
    ],
  },
  {
    id: "outcome-removed-unasked",
    rule: "P7",
    what: "an outcome is removed although a branch has not acknowledged `forget`",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/removable-index.ts",
        guard: "if (isDue && awaitsForget(record)) return",
        instead: "if (false as boolean) return",
      },
    ],
  },
  {
    id: "silence-is-forgotten",
    rule: "P7",
    what: "a branch that does not answer counts as having forgotten",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/coordinator/removal.ts",
        guard: 'if (answer?.kind === "forgotten") return undefined;',
        instead: 'if (answer === undefined || answer.kind === "forgotten") return undefined;',
      },
    ],
  },
  {
    id: "outcome-kept-from-the-beginning",
    rule: "P7",
    what: "the lifetime of an outcome counts from the beginning of its transaction",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: "export function outcomeKeptUntil({ changedAt }: TransactionRecord,",
        instead: "export function outcomeKeptUntil({ begunAt: changedAt }: TransactionRecord,",
      },
    ],
  },
  {
    id: "outcome-kept-too-short",
    rule: "P7",
    what: "an outcome is kept only as long as the records of its branches",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/transaction-record.ts",
        guard: "const outcomeMaxAges = 4;",
        instead: "const outcomeMaxAges = 2;",
      },
    ],
  },
  {
    id: "ended-never-due",
    rule: "P7",
    what: "an outcome never falls due for removal",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/log-operations.ts",
        guard: "addRemovable(tables, step.record, limits);",
        instead: "void addRemovable;",
      },
    ],
  },
  {
    id: "postponed-never-due",
    rule: "P7",
    what: "an outcome whose removal was postponed never falls due again",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/removable-index.ts",
        guard: "if (takeEntry(tables, place)) tables.put(removableTable, timeKey(untilMs, place.txId), null);",
        instead: "takeEntry(tables, place); void untilMs;",
      },
    ],
  },
  {
    id: "asks-once",
    rule: "P6",
    what: "a branch whose question got no answer does not ask again",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/branch-index.ts",
        guard: "enter(tables, entryOf(key, after, lifetimes));",
        instead: "if (!asksAgain) enter(tables, entryOf(key, after, lifetimes));",
      },
    ],
  },
  {
    id: "branch-never-due",
    rule: "P7",
    what: "a branch that has ended never falls due for removal",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/engine/branch-index.ts",
        guard: "enter(tables, to);",
        instead: "if (to.table === branchesDueTable) enter(tables, to);",
      },
    ],
  },
  {
    id: "rebuilt-never-ends",
    rule: "R5",
    what: "a rebuilt record takes `expired` for a lost vote, and never ends",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'return decision === "abort" || rebuilt === true;',
        instead: 'return decision === "abort";',
      },
    ],
  },
  {
    id: "rebuilt-not-marked",
    rule: "R5",
    what: "a rebuilt record is not marked as rebuilt",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/coordinator/recovery.ts",
        guard: "      rebuilt: true,\n",
        instead: "",
      },
    ],
  },
  {
    id: "expired-does-not-release",
    rule: "R4",
    what: "an abort waits for ever for a branch that has expired",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/phase-two.ts",
        guard: 'return decision === "abort" || rebuilt === true;',
        instead: "return rebuilt === true;",
      },
    ],
  },
  {
    id: "expired-proves-nothing",
    rule: "R3",
    what: "an undecided transaction waits for ever for a branch that has expired",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/recovery.ts",
        guard: 'return expired === undefined ? { kind: "commit" } : { kind: "abort", reason: "expired" };',
        instead: 'return expired === undefined ? { kind: "commit" } : { kind: "wait" };',
      },
    ],
  },
  {
    id: "expired-is-yes",
    rule: "R3",
    what: "an expired branch counts as a yes vote",
    world: "lifetimes",
    edits: [
      {
        file: "packages/assent/src/protocol/recovery.ts",
        guard: 'return expired === undefined ? { kind: "commit" } : { kind: "abort", reason: "expired" };',
        instead: 'void expired; return { kind: "commit" };',
      },
    ],
  },
];
