// Branch stores whose steps are wrong: states, tombstones, stored answers, and what becomes of many commands.
import type { Table } from "assent/internal/ports";
import { accountTable } from "assent/ledger";
import { branchTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import { isBackwardFinal, isForwardFinal, verbRole, verbTable } from "assent/internal/protocol";
import { brokenBranch, putBranch, recordOf } from "./broken-branches.ts";
import { brokenPort, losing, unorderedStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const steps: readonly Broken<KeyedAdapter>[] = [
  brokenBranch(
    "writes an effect without its record",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(
          losing(tables, (table) => verbRole(command.verb) === "vote" && table === branchTable),
          command,
          context,
        ),
    }),
    ["P1 a vote, then forward", "P4 a duplicate gets the stored answer", "P4 duplicates of one message"],
  ),
  brokenBranch(
    "writes a record without its effect",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(
          losing(tables, (table) => table === accountTable),
          command,
          context,
        ),
    }),
    ["P1 a vote, then forward", "P4 a duplicate gets the stored answer"],
  ),
  brokenBranch(
    "does nothing when it releases",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(
          losing(tables, (table) => verbRole(command.verb) === "backward" && table === accountTable),
          command,
          context,
        ),
    }),
    ["P1 a vote, then backward"],
  ),
  brokenBranch(
    "turns a final state round",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        const record = recordOf(tables, command);
        if (answer.kind !== "conflict" || record === undefined || verbRole(command.verb) === "forget") return answer;
        putBranch(tables, { ...record, state: verbTable[record.protocol].yesState });
        return apply(tables, command, context);
      },
    }),
    ["P2 forward on backward"],
  ),
  brokenBranch(
    "leaves no tombstone of what never ran",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(
          losing(tables, (table) => recordOf(tables, command) === undefined && goesBack(command.verb, table)),
          command,
          context,
        ),
    }),
    ["P3 a backward verb on a branch", "P3 query-or-prevent on a branch"],
  ),
  brokenBranch(
    "forgets that it refused",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        if (answer.kind === "refused") tables.delete(branchTable, `${command.txId}/${command.branchId}`);
        return answer;
      },
    }),
    ["P3 a refusal is final", "P8 a first vote past its deadline"],
  ),
  brokenBranch(
    "forgets why it refused",
    ({ apply }) => ({
      apply(tables, command, context) {
        const { refusal: _refusal, ...record } = recordOf(tables, command) ?? {};
        if (_refusal !== undefined) putBranch(tables, record as never);
        return apply(tables, command, context);
      },
    }),
    ["P3 a refusal is final, with its reason"],
  ),
  brokenBranch(
    "takes other content for a duplicate",
    ({ apply }) => ({
      apply(tables, command, context) {
        const payload = recordOf(tables, command)?.payload;
        return apply(tables, payload === undefined ? command : { ...command, payload }, context);
      },
    }),
    ["P4 other content with the same name"],
  ),
  brokenBranch(
    "knows a branch by its transaction only",
    ({ apply }) => ({
      apply: (tables, command, context) => apply(tables, { ...command, branchId: "any" }, context),
    }),
    ["P1 branches of one transaction"],
  ),
  brokenBranch(
    "knows a branch by its own name only",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(tables, { ...command, txId: `${command.txId.split(":")[0]}:life1:1` }, context),
    }),
    ["P1 branches of one transaction"],
  ),
  brokenBranch(
    "keeps half of a step that fails",
    ({ apply }) => ({
      apply(tables, command, context) {
        try {
          return apply(tables, command, context);
        } catch {
          return { kind: "unknown", reason: "step_failed" };
        }
      },
    }),
    ["M3 a failed step is unknown"],
  ),
  { that: "does not see the step before", open: unorderedStore, caughtBy: ["P1 branches of one transaction"] },
];

function goesBack(verb: Parameters<typeof verbRole>[0], table: Table): boolean {
  return table === branchTable && (verbRole(verb) === "backward" || verbRole(verb) === "query");
}

const answers: readonly Broken<KeyedAdapter>[] = [
  {
    that: "answers in another order",
    open: brokenPort(({ store }) => ({
      store: {
        apply: async (commands) => (await store.apply(commands)).toReversed(),
        sweep: (limit) => store.sweep(limit),
      },
    })),
    caughtBy: ["M4 one answer per command, in order"],
  },
  {
    that: "answers only once when the answers are the same",
    open: brokenPort(({ store }) => ({
      store: {
        apply: async (commands) => {
          const all = await store.apply(commands);
          return all.filter((answer, index) => JSON.stringify(answer) !== JSON.stringify(all[index - 1]));
        },
        sweep: (limit) => store.sweep(limit),
      },
    })),
    caughtBy: ["P4 duplicates of one message"],
  },
  {
    that: "fails a whole message for one command that fails",
    open: brokenPort(({ store }) => ({
      store: {
        apply: async (commands) => {
          const all = await store.apply(commands);
          if (all.some(({ kind }) => kind === "unknown")) throw new Error("a step failed");
          return all;
        },
        sweep: (limit) => store.sweep(limit),
      },
    })),
    caughtBy: ["M3 a failed step is unknown"],
  },
  brokenBranch(
    "says what a state is not",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        if (answer.kind !== "done" || !(isForwardFinal(answer.state) || isBackwardFinal(answer.state))) return answer;
        return { kind: "done", state: isForwardFinal(answer.state) ? "committed" : "aborted" };
      },
    }),
    ["P1 a vote, then forward", "P1 a vote, then backward"],
  ),
];

export const brokenSteps: readonly Broken<KeyedAdapter>[] = [...steps, ...answers];
