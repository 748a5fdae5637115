// The worlds of the proof run. Each is bounded by its budgets, and explored completely.
//
// T1–T9 are the counterexamples that shaped the rules (docs/explanation/protocol.md): each of them broke an earlier
// version of the rules, and no longer breaks the state machines. T10 needs no separate world: in every world nothing
// backward is sent before a durable abort (C3).
import type { Protocol } from "assent/internal/protocol";
import { type BranchPlan, type Budgets, type World } from "./world.ts";

const agrees: BranchPlan = { vote: "agrees" };
const either: BranchPlan = { vote: "either" };
const protocols: readonly Protocol[] = ["2pc", "saga"];
const other: Readonly<Record<Protocol, Protocol>> = { "2pc": "saga", saga: "2pc" };

type Case = Omit<World, "protocol" | "budgets"> & { readonly budgets?: Partial<Budgets> };

/** The same world once for each protocol. */
function both(made: Case, change: (protocol: Protocol) => Partial<World> = () => ({})): readonly World[] {
  return protocols.map((protocol) => ({
    budgets: {},
    ...made,
    name: `${made.name}, ${protocol}`,
    protocol,
    ...change(protocol),
  }));
}

/** A branch that comes after the previous one. */
function chain(length: number): readonly BranchPlan[] {
  return Array.from({ length }, (_, branch) => (branch === 0 ? either : { ...either, after: [branch - 1] }));
}

const undisturbed: readonly World[] = [
  ...both({ name: "one branch", shows: "the states counted by hand", branches: [agrees] }),
  ...both({ name: "two branches", shows: "the states counted by hand", branches: [agrees, agrees] }),
  ...both({ name: "three branches", shows: "every mixture of votes", branches: [either, either, either] }),
];

const messages: readonly World[] = [
  ...both({
    name: "losses",
    shows: "M1: commands and answers are lost, until it parks and beyond",
    branches: [either, either],
    budgets: { lostMessages: 2, lostReplies: 2 },
  }),
  ...both({
    name: "duplicates",
    shows: "M1, P4: commands, answers and writes come twice",
    branches: [either, either],
    budgets: { duplicates: 2, lostMessages: 1 },
  }),
  ...both({
    name: "contention",
    shows: "P10: branches answer `contended`, and the wait for them is bounded",
    branches: [either, either],
    budgets: { contentions: 2, deadlines: 1, crashes: 1, ages: 1 },
  }),
  ...both({
    name: "chain",
    shows: "three branches in order; compensation in reverse order",
    branches: chain(3),
    budgets: { lostMessages: 1, lostReplies: 1, crashes: 1 },
  }),
];

const ownership: readonly World[] = [
  ...both({
    name: "crash and takeover",
    shows: "R2, R3, R4: up to three owners, two of them alive",
    branches: [either, either],
    budgets: { crashes: 1, takeovers: 1 },
  }),
  ...both({
    name: "takeovers",
    shows: "R1, R2: three owners alive at once",
    branches: [either, agrees],
    budgets: { takeovers: 2 },
  }),
  ...both({
    name: "deadlines",
    shows: "C6: only an uninterrupted owner decides on silence",
    branches: [either, agrees],
    budgets: { deadlines: 1, stalls: 1, takeovers: 1, lostMessages: 1 },
  }),
  ...both({
    name: "takeover and duplicate",
    shows: "P5: the commands of a former owner arrive late, and twice",
    branches: [agrees, agrees],
    budgets: { takeovers: 1, duplicates: 1, questions: 1 },
  }),
  ...both({
    name: "three branches, crash",
    shows: "R3, R4 with three branches",
    branches: [either, agrees, agrees],
    budgets: { crashes: 1 },
  }),
];

const lifetimes: readonly World[] = [
  ...both({
    name: "lost forgets",
    shows: "P7: forgets and their answers are lost, branches ask, and branch records are removed",
    branches: [agrees, agrees],
    budgets: { lostMessages: 2, lostReplies: 1, ages: 3, removals: 1 },
  }),
  ...both({
    name: "outlived",
    shows: "P7, R5: a question arrives when every record of the transaction has expired: it is rebuilt, and ends",
    branches: [agrees, either],
    budgets: { questions: 1, ages: 3, removals: 1 },
  }),
  ...both({
    name: "down for longer than every lifetime",
    shows: "R4, P7: the coordinator or a participant is down until every lifetime is over",
    branches: [agrees, either],
    budgets: { crashes: 1, lostMessages: 1, ages: 3, removals: 1 },
  }),
];

const lossOfVotes = ["conflict", "heuristic_hazard", "mixed_outcome"];

const counterexamples: readonly World[] = [
  ...both({
    name: "T1",
    shows: "C6: commit is reported, the log loses it, and a branch is silent in recovery",
    branches: [agrees, agrees],
    budgets: { failovers: 1, crashes: 1, lostMessages: 1, readers: 1 },
  }),
  ...both({
    name: "T2",
    shows: "C5: an abort by silence reaches no branch; the log loses it, and every vote is yes",
    branches: [agrees, either],
    budgets: { failovers: 1, crashes: 1, deadlines: 1, lostMessages: 1 },
  }),
  {
    name: "T3",
    shows: "R5: begin, decision and end are lost together, and branches ask",
    protocol: "2pc",
    branches: [agrees, agrees],
    budgets: { failovers: 1, crashes: 1, questions: 1 },
    failoverDepth: 3,
  },
  ...both(
    {
      name: "T3, begun again",
      shows: "R5, C7: the lost attempt is begun again, with the other protocol; silence asks",
      branches: [agrees, agrees],
      budgets: { failovers: 1, crashes: 1, lives: 1, stalls: 1 },
      failoverDepth: 2,
    },
    (protocol) => ({ secondProtocol: other[protocol] }),
  ),
  {
    name: "T4",
    shows: "P6: the same in a saga: an executed branch asks",
    protocol: "saga",
    branches: [agrees, agrees],
    budgets: { failovers: 1, crashes: 1, questions: 1 },
    failoverDepth: 3,
  },
  ...both({
    name: "T5",
    shows: "C3: a caller and a branch are answered from the log, which then loses the decision",
    branches: [agrees, agrees],
    budgets: { failovers: 1, readers: 1, questions: 1, crashes: 1 },
  }),
  ...both({
    name: "T6",
    shows: "P7, P9: a duplicate command arrives after the end, after forget, and after the record was removed",
    branches: [agrees, agrees],
    budgets: { duplicates: 1, ages: 3 },
  }),
  ...both({
    name: "T7",
    shows: "outside the fault model: a branch loses its vote; it parks or ends correctly, and never fails silently",
    branches: [agrees, agrees],
    budgets: { lostVotes: 1, takeovers: 1, duplicates: 1 },
    mayPark: lossOfVotes,
    fairly: true,
  }),
  ...both({
    name: "T8",
    shows: "R2, P6: two losses, questions, and no clock: epochs follow only from epochs already seen",
    branches: [agrees],
    budgets: { failovers: 2, takeovers: 1, questions: 1 },
    clock: "still",
  }),
  ...both({
    name: "T9",
    shows: "C2: answers to writes are lost, and the deadline passes",
    branches: [either, either],
    budgets: { lostWriteReplies: 2, lostMessages: 1, deadlines: 1, crashes: 1 },
  }),
];

/** The proof run. */
export const worlds: readonly World[] = [...undisturbed, ...messages, ...ownership, ...lifetimes, ...counterexamples];

/** Worlds that are explored in moments. */
const quickNames: readonly string[] = [
  "one branch",
  "two branches",
  "three branches",
  "losses",
  "duplicates",
  "T3, begun again",
  "T6",
  "T9",
];

export const quickWorlds: readonly World[] = worlds.filter(({ name }) =>
  quickNames.includes(name.replace(/, (2pc|saga)$/, "")),
);

/**
 * Beyond the fault model, or beyond the guarantees of the defaults: here the explorer has to find a violation. Owners
 * that decide on silence with a log that lost begin and decision (docs/adr/0008), and an attempt that is begun again
 * after the records of its branches have been removed, too.
 */
export const worldsBeyond: readonly World[] = [
  {
    name: "silence decides with a log that loses an attempt",
    shows: "S5 needs logMayLoseTail",
    protocol: "2pc",
    branches: [agrees, agrees],
    budgets: { failovers: 1, lives: 1, deadlines: 1 },
    failoverDepth: 2,
  },
  {
    name: "begun again when all records are gone",
    shows: "S4 holds for twice maxAge after a log has lost an attempt that had ended",
    protocol: "2pc",
    branches: [agrees],
    budgets: { failovers: 1, lives: 1, ages: 3 },
    failoverDepth: 3,
  },
];

/** The world of a name. */
export function worldNamed(name: string): World | undefined {
  return [...worlds, ...worldsBeyond].find((world) => world.name === name);
}
