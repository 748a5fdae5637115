// Ledgers that count wrongly: amounts, balances, and who is served first.
import { type KeyedAdapter, keyedOperations, ledgerReasons } from "@assent/conformance";
import { type Account, accountTable, ledgerHandler } from "assent/ledger";
import type { BranchHandler, BranchStep } from "assent/internal/participant";
import type { Tables } from "assent/internal/ports";
import { isBackwardFinal, verbRole, verbTable } from "assent/internal/protocol";
import { brokenBranch, putBranch, recordOf } from "./broken-branches.ts";
import { type Break, brokenStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

type Handler = BranchHandler<Tables>;
type Entry = readonly [accountId: string, amount: number];

function brokenHandler(
  that: string,
  change: (good: Handler) => Partial<Handler>,
  caughtBy: Broken<KeyedAdapter>["caughtBy"],
): Broken<KeyedAdapter> {
  const make = () => {
    const good = ledgerHandler(ledgerReasons);
    return keyedOperations({ ...good, ...change(good) });
  };
  return { that, open: brokenStore(() => ({}), make), caughtBy };
}

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

const accountOf = (view: Tables, accountId: string): Account | undefined => view.get(accountTable, accountId);

const entriesOf = ({ payload }: BranchStep<Tables>): readonly Entry[] =>
  (payload as unknown as { readonly entries: readonly Entry[] }).entries;

function withEntries(step: BranchStep<Tables>, change: (entries: readonly Entry[]) => readonly Entry[]): typeof step {
  const entries = (step.payload as { entries?: unknown } | null)?.entries;
  if (!Array.isArray(entries)) return step;
  return { ...step, payload: { entries: change(entries as Entry[]) } };
}

/** Makes an amount out of nothing where an account has too little, and takes it back out of sight afterwards. */
function oversell(step: BranchStep<Tables>, prepare: Handler["prepare"]): ReturnType<Handler["prepare"]> {
  const result = prepare(step);
  if (result.kind === "ok") return result;
  for (const [accountId, amount] of entriesOf(step)) {
    const account = accountOf(step.view, accountId);
    if (account === undefined) return result;
    const { available, held } = account;
    step.view.put(accountTable, accountId, { ...account, available: available - amount, held: held + amount });
  }
  return { kind: "ok", memo: {} };
}

const amounts: readonly Broken<KeyedAdapter>[] = [
  brokenHandler("sells more than there is", ({ prepare }) => ({ prepare: (step) => oversell(step, prepare) }), [
    "S3 concurrent votes never take more than is available",
    "S2 a branch takes from all of its accounts or from none",
  ]),
  broken(
    "releases what was released already",
    ({ apply }) => ({
      apply(tables, command, context) {
        const record = recordOf(tables, command);
        if (record?.payload !== undefined && isBackwardFinal(record.state) && verbRole(command.verb) === "backward") {
          putBranch(tables, { ...record, state: verbTable[record.protocol].yesState });
        }
        return apply(tables, command, context);
      },
    }),
    ["S2 a branch is settled once"],
  ),
  brokenHandler(
    "takes from the first account only",
    ({ prepare, execute }) => ({
      prepare: (step) => prepare(withEntries(step, (entries) => entries.slice(0, 1))),
      execute: (step) => execute(withEntries(step, (entries) => entries.slice(0, 1))),
    }),
    ["S2 a branch takes from all of its accounts or from none"],
  ),
  brokenHandler(
    "takes once from an account that is named twice",
    ({ prepare }) => ({ prepare: (step) => prepare(withEntries(step, (entries) => [...new Map(entries)])) }),
    ["S2 an account that is named twice"],
  ),
  brokenHandler(
    "rounds amounts",
    ({ prepare, execute }) => ({
      prepare: (step) => prepare(withEntries(step, rounded)),
      execute: (step) => execute(withEntries(step, rounded)),
    }),
    ["S3 amounts are whole numbers"],
  ),
  brokenHandler(
    "settles with accounts that were seeded again",
    (good) => ({
      commit: (step) => good.commit(withCurrentGenerations(step)),
      abort: (step) => good.abort(withCurrentGenerations(step)),
      compensate: (step) => good.compensate(withCurrentGenerations(step)),
    }),
    ["S2 an account seeded again owes nothing"],
  ),
];

function rounded(entries: readonly Entry[]): readonly Entry[] {
  if (!entries.every((entry) => Array.isArray(entry) && typeof entry[1] === "number")) return entries;
  return entries.map(([accountId, amount]) => [accountId, Math.ceil(amount)]);
}

function withCurrentGenerations(step: BranchStep<Tables>): BranchStep<Tables> {
  const generations = entriesOf(step).map(([id]): [string, string] => [id, accountOf(step.view, id)?.generation ?? ""]);
  return { ...step, memo: Object.fromEntries(generations) };
}

const balances: readonly Broken<KeyedAdapter>[] = [
  broken(
    "lets held amounts be withdrawn",
    ({ withdraw }) => ({
      withdraw(tables, request, context) {
        const account = accountOf(tables, request.accountId);
        if (account === undefined || account.available >= request.amount) return withdraw(tables, request, context);
        const { available, held, withdrawn } = account;
        if (available + held < request.amount) return withdraw(tables, request, context);
        const less = { ...account, available: 0, held: held + available - request.amount };
        const next = { ...less, withdrawn: withdrawn + request.amount };
        tables.put(accountTable, request.accountId, next);
        return { kind: "ok", account: next };
      },
    }),
    ["S3 held units cannot be withdrawn"],
  ),
  broken(
    "opens an account for a deposit that has none",
    ({ deposit, openAccount }) => ({
      deposit(tables, request, context) {
        const { accountId } = request;
        if (accountOf(tables, accountId) === undefined) {
          openAccount(tables, { accountId, generation: "g", details: null }, context);
        }
        return deposit(tables, request, context);
      },
    }),
    ["S3 a balance never exceeds 2^53 − 1, and deposits and withdrawals are counted"],
  ),
  broken(
    "leaves withdrawals out of its totals",
    ({ totals }) => ({
      totals: (tables, _nothing, context) => ({ ...totals(tables, undefined, context), withdrawn: 0 }),
    }),
    ["S2 totals are the sums over all accounts"],
  ),
  brokenBranch(
    "loses a little of what it releases",
    ({ apply }) => ({
      apply(tables, command, context) {
        const answer = apply(tables, command, context);
        const account = accountOf(tables, "0");
        if (verbRole(command.verb) !== "backward" || answer.kind !== "done" || account === undefined) return answer;
        tables.put(accountTable, "0", { ...account, available: Math.max(0, account.available - 1) });
        return answer;
      },
    }),
    ["S2 S3 a random history conserves", "S2 a branch takes from all of its accounts"],
  ),
];

const contentions: readonly Broken<KeyedAdapter>[] = [
  brokenHandler(
    "says sold out while others hold the rest",
    ({ prepare }) => ({
      prepare(step) {
        const result = prepare(step);
        return result.kind === "contended" ? { kind: "refused", reason: "insufficient" } : result;
      },
    }),
    ["P10 a shortage that releases could resolve is contended"],
  ),
  brokenHandler(
    "never says sold out",
    ({ prepare }) => ({
      prepare(step) {
        const result = prepare(step);
        const isShort = result.kind === "refused" && result.reason === "insufficient";
        return isShort ? { kind: "contended" } : result;
      },
    }),
    ["P10 a shortage of spent units is refused", "P10 a shortage that releases could resolve is contended; any other"],
  ),
  brokenHandler(
    "holds what it can while it is contended",
    ({ prepare }) => ({
      prepare(step) {
        const result = prepare(step);
        const [[accountId, amount] = ["", 0]] = result.kind === "contended" ? entriesOf(step) : [];
        const account = accountOf(step.view, accountId);
        if (account === undefined || account.available < amount) return result;
        const { available, held } = account;
        const next = { ...account, available: available - amount, held: held + amount };
        step.view.put(accountTable, accountId, next);
        return result;
      },
    }),
    ["P10 a contended branch holds nothing"],
  ),
  brokenHandler(
    "serves branches in any order",
    () => ({ prepare: (step) => ledgerHandler(ledgerReasons).prepare(step) }),
    ["P10 a branch that asked first", "P10 a branch that does not ask again loses its turn"],
  ),
  brokenHandler(
    "keeps a place in the line for ever",
    ({ prepare }) => ({ prepare: (step) => prepare({ ...step, now: 0 }) }),
    ["P10 a branch that does not ask again loses its turn"],
  ),
  brokenHandler(
    "serves no branch while another waits",
    ({ prepare }) => {
      const waiting = new Set<string>();
      return {
        prepare(step) {
          if ([...waiting].some((txId) => txId !== step.txId)) return { kind: "contended" };
          const result = prepare(step);
          if (result.kind === "contended") waiting.add(step.txId);
          else waiting.delete(step.txId);
          return result;
        },
      };
    },
    ["P10 units beyond those waited for are held at once"],
  ),
];

export const brokenLedgers: readonly Broken<KeyedAdapter>[] = [...amounts, ...balances, ...contentions];
