// Branch stores that go wrong over time: fences, ages, deadlines, questions and removal.
import { branchTable, branchesDueTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import { defaultLimits, isBackwardFinal, isForwardFinal, isYesState, verbRole } from "assent/internal/protocol";
import { allBranches, brokenBranch, putBranch, recordOf } from "./broken-branches.ts";
import { losing } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const { maxAgeMs, askAfterMs, clockSkewMs } = defaultLimits;

const fences: readonly Broken<KeyedAdapter>[] = [
  brokenBranch(
    "lets lower epochs pass",
    ({ apply }) => ({
      apply(tables, command, context) {
        const epoch = Math.max(command.epoch, recordOf(tables, command)?.epoch ?? 0);
        return apply(tables, { ...command, epoch }, context);
      },
    }),
    ["P5 a lower epoch is fenced", "P5 the highest epoch is recorded"],
  ),
  brokenBranch(
    "does not record the epoch of a duplicate",
    ({ apply }) => ({
      apply(tables, command, context) {
        const before = recordOf(tables, command);
        const answer = apply(tables, command, context);
        const after = recordOf(tables, command);
        if (before?.state === after?.state && before !== undefined) putBranch(tables, before);
        return answer;
      },
    }),
    ["P5 the highest epoch is recorded on duplicates", "P5 a lower epoch is fenced"],
  ),
  brokenBranch(
    "looks at the age before the stored answer",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        context.now > command.begunAt + maxAgeMs ? { kind: "expired" } : apply(tables, command, context),
    }),
    ["P5 a stored answer comes before expiry", "P6 a branch never releases"],
  ),
  brokenBranch(
    "looks at the deadline before the stored answer",
    ({ apply }) => ({
      apply(tables, command, context) {
        const isLate = command.deadlineAt !== undefined && context.now > command.deadlineAt + clockSkewMs;
        const refused = { kind: "refused", reason: "deadline_passed" } as const;
        return isLate && verbRole(command.verb) === "vote" ? refused : apply(tables, command, context);
      },
    }),
    ["P5 a stored answer comes before expiry and deadline", "P8 a first vote past its deadline"],
  ),
  brokenBranch(
    "takes every command for a young one",
    ({ apply }) => ({
      apply: (tables, command, context) => apply(tables, { ...command, begunAt: context.now }, context),
    }),
    ["P7 an absent branch of an old transaction is expired"],
  ),
  brokenBranch(
    "leaves a tombstone of what is expired",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        if (answer.kind === "expired") apply(tables, { ...command, begunAt: context.now, verb: "abort" }, context);
        return answer;
      },
    }),
    ["P7 an absent branch of an old transaction is expired: no effect, no tombstone"],
  ),
  brokenBranch(
    "has no deadline",
    ({ apply }) => ({
      apply(tables, command, context) {
        const { deadlineAt: _deadlineAt, ...patient } = command;
        return apply(tables, patient, context);
      },
    }),
    ["P8 a first vote past its deadline"],
  ),
  brokenBranch(
    "does not allow for skewed clocks",
    ({ apply }) => ({
      apply(tables, { deadlineAt, ...command }, context) {
        if (deadlineAt === undefined) return apply(tables, command, context);
        return apply(tables, { ...command, deadlineAt: deadlineAt - clockSkewMs }, context);
      },
    }),
    ["P8 a first vote past its deadline and the skew"],
  ),
];

const losses: readonly Broken<KeyedAdapter>[] = [
  brokenBranch(
    "applies a commit again without a record of it",
    ({ apply }) => ({
      apply: (tables, command, context) =>
        apply(
          losing(tables, (table) => command.verb === "commit" && table === branchTable),
          command,
          context,
        ),
    }),
    ["P9 a commit of a lost vote is applied again, once"],
  ),
  brokenBranch(
    "applies a lost vote of a saga again",
    ({ apply }) => ({
      apply(tables, command, context) {
        if (command.verb === "complete" && recordOf(tables, command) === undefined) {
          apply(tables, { ...command, verb: "execute" }, context);
        }
        return apply(tables, command, context);
      },
    }),
    ["P9 a lost vote of a saga"],
  ),
  brokenBranch(
    "removes a branch at its forget",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        if (answer.kind === "forgotten") tables.delete(branchTable, `${command.txId}/${command.branchId}`);
        return answer;
      },
    }),
    ["P7 forget is for final branches"],
  ),
];

export const brokenAges: readonly Broken<KeyedAdapter>[] = [...fences, ...losses];

export const brokenSweeps: readonly Broken<KeyedAdapter>[] = [
  brokenBranch("never asks", () => ({ sweepBranches: () => ({ questions: [], more: false }) }), [
    "P6 a yes vote older than its limit asks",
    "P6 a forward-final branch asks",
  ]),
  brokenBranch(
    "asks too early",
    ({ sweepBranches }) => ({
      sweepBranches: (tables, args, { now }) => sweepBranches(tables, args, { now: now + askAfterMs / 2 }),
    }),
    ["P6 a yes vote older than its limit asks"],
  ),
  brokenBranch(
    "asks only once",
    ({ sweepBranches }) => ({
      sweepBranches: (tables, args, context) =>
        sweepBranches(
          losing(tables, (table, _key, value) => table === branchesDueTable && value === null),
          args,
          context,
        ),
    }),
    ["P6 a yes vote older than its limit asks, and asks again"],
  ),
  brokenBranch(
    "asks for tombstones",
    ({ sweepBranches }) => ({
      sweepBranches(tables, args, context) {
        const swept = sweepBranches(tables, args, context);
        const ended = allBranches(tables).filter(({ state }) => isBackwardFinal(state));
        const questions = ended.map((record) => ({ ...record, origin: record.origin ?? "" }));
        return { ...swept, questions: [...swept.questions, ...questions] };
      },
    }),
    ["P6 tombstones ask nothing"],
  ),
  brokenBranch(
    "releases on its own when it has waited for long",
    ({ sweepBranches, apply }) => ({
      sweepBranches(tables, args, context) {
        for (const record of allBranches(tables)) {
          if (!isYesState(record.state) || context.now < record.begunAt + maxAgeMs) continue;
          apply(tables, { ...record, verb: record.protocol === "saga" ? "compensate" : "abort" }, context);
        }
        return sweepBranches(tables, args, context);
      },
    }),
    ["P6 a branch never releases on its own"],
  ),
  brokenBranch(
    "removes tombstones while commands for them are young",
    ({ sweepBranches }) => ({
      sweepBranches(tables, args, context) {
        for (const { txId, branchId, state, begunAt } of allBranches(tables)) {
          if (isBackwardFinal(state) && context.now > begunAt + maxAgeMs) {
            tables.delete(branchTable, `${txId}/${branchId}`);
          }
        }
        return sweepBranches(tables, args, context);
      },
    }),
    ["P7 a tombstone is kept"],
  ),
  brokenBranch(
    "never removes anything",
    ({ sweepBranches }) => ({
      sweepBranches: (tables, args, context) =>
        sweepBranches(
          losing(tables, (table) => table === branchTable),
          args,
          context,
        ),
    }),
    [
      "P7 a tombstone is kept until no command for it can be young, and then removed",
      "P7 a forward-final record is removed",
    ],
  ),
  brokenBranch(
    "removes a forward-final record before it is forgotten",
    ({ sweepBranches }) => ({
      sweepBranches(tables, args, context) {
        for (const { txId, branchId, state, begunAt } of allBranches(tables)) {
          if (isForwardFinal(state) && context.now > begunAt + 2 * maxAgeMs) {
            tables.delete(branchTable, `${txId}/${branchId}`);
          }
        }
        return sweepBranches(tables, args, context);
      },
    }),
    ["P7 a forward-final record is removed only after forget"],
  ),
  brokenBranch(
    "sweeps everything at once",
    ({ sweepBranches }) => ({
      sweepBranches: (tables, _args, context) => sweepBranches(tables, { limit: 1_000 }, context),
    }),
    ["R7 a sweep reads no more"],
  ),
  brokenBranch(
    "does not say that more is due",
    ({ sweepBranches }) => ({
      sweepBranches: (tables, args, context) => ({ ...sweepBranches(tables, args, context), more: false }),
    }),
    ["R7 a sweep reads no more than requested, reports when more is due"],
  ),
];
