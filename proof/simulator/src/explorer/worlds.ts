// The worlds of the proof run. Each is bounded by its budgets, and explored to its last state.
//
// T1–T9 are the counterexamples that shaped the rules (docs/explanation/protocol.md): in each of them something once
// went wrong, and nothing does with the machines as they are. T10 needs no world of its own: in every world nothing
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

/** A branch that comes after the one before it. */
function chain(length: number): readonly BranchPlan[] {
  return Array.from({ length }, (_, branch) => (branch === 0 ? either : { ...either, after: [branch - 1] }));
}

const undisturbed: readonly World[] = [
  ...both({ name: "one branch", shows: "the states that a hand counts", branches: [agrees] }),
  ...both({ name: "two branches", shows: "the states that a hand counts", branches: [agrees, agrees] }),
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
    shows: "P10: branches cannot tell yet, and the wait for them is bounded",
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
    shows: "C6: silence decides for an uninterrupted owner, and for no other",
    branches: [either, agrees],
    budgets: { deadlines: 1, stalls: 1, takeovers: 1, lostMessages: 1 },
  }),
  ...both({
    name: "takeover and duplicate",
    shows: "P5: the commands of a former owner come late, and twice",
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
    shows: "P7: forgets and their answers are lost, branches ask, and records of branches go",
    branches: [agrees, agrees],
    budgets: { lostMessages: 2, lostReplies: 1, ages: 3, removals: 1 },
  }),
  ...both({
    name: "outlived",
    shows: "P7, R5: a question comes when every record of the transaction has had its time: it comes back, and ends",
    branches: [agrees, either],
    budgets: { questions: 1, ages: 3, removals: 1 },
  }),
  ...both({
    name: "away for longer than everything",
    shows: "R4, P7: the coordinator is away, or a participant, until every lifetime is over",
    branches: [agrees, either],
    budgets: { crashes: 1, lostMessages: 1, ages: 3, removals: 1 },
  }),
];

const lossOfVotes = ["conflict", "heuristic_hazard", "mixed_outcome"];

const counterexamples: readonly World[] = [
  ...both({
    name: "T1",
    shows: "C6: commit is told, the log loses it, and a branch is silent to the taker-over",
    branches: [agrees, agrees],
    budgets: { failovers: 1, crashes: 1, lostMessages: 1, readers: 1 },
  }),
  ...both({
    name: "T2",
    shows: "C5: abort by silence that no branch heard of; the log loses it, and every vote is yes",
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
    shows: "P7, P9: a doubled command comes after the end, after forget, and after the record was removed",
    branches: [agrees, agrees],
    budgets: { duplicates: 1, ages: 3 },
  }),
  ...both({
    name: "T7",
    shows: "outside the fault model: a branch loses its vote; it parks, or all ends well, and never silently otherwise",
    branches: [agrees, agrees],
    budgets: { lostVotes: 1, takeovers: 1, duplicates: 1 },
    mayPark: lossOfVotes,
    fairly: true,
  }),
  ...both({
    name: "T8",
    shows: "R2, P6: two losses, questions, and no clock to help: epochs come only from what was seen",
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

/** Those that are done in moments. */
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
 * Beyond the fault model, or beyond what the defaults promise: here the explorer has to find a violation.
 * Owners whose silence decides, over a log that lost begin and decision (docs/adr/0008), and an attempt that is begun
 * again when the records of its branches have been removed, too.
 */
export const worldsBeyond: readonly World[] = [
  {
    name: "silence decides over a log that loses an attempt",
    shows: "S5 needs logMayLoseTail",
    protocol: "2pc",
    branches: [agrees, agrees],
    budgets: { failovers: 1, lives: 1, deadlines: 1 },
    failoverDepth: 2,
  },
  {
    name: "begun again when nobody remembers it",
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
