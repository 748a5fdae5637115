// S2, S3: whatever reaches a ledger, in whatever order and however often, every account is what was taken and settled.
//
// The model follows only the answers: a branch takes once, at its first yes, and settles once.
import { commandsIn, TestClock } from "@assent/conformance";
import {
  type Answer,
  type BranchState,
  type Command,
  defaultLimits,
  isBackwardFinal,
  isYesState,
  type Protocol,
} from "../protocol/index.ts";
import { operation } from "../ports/index.ts";
import { memoryBranches } from "../memory/index.ts";
import { nextTurn } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ledgerHandler } from "./ledger-handler.ts";
import { ledgerOperations } from "./ledger-operations.ts";
import { readReplaced } from "./replaced-amounts.ts";

const operations = {
  ...ledgerOperations,
  replaced: operation("replaced", (tables, { accountId: id }: { accountId: string }) => {
    const { spent, held } = readReplaced(tables, id);
    return { spent: Number(spent), held: Number(held) };
  }),
};

const accountIds = ["0", "1", "2"];
const transactions = 6;
const seeded = 12;

type Role = "vote" | "forward" | "backward" | "query" | "forget";
type Entry = readonly [accountId: string, amount: number];

type Action =
  | { readonly kind: "message"; readonly items: readonly Item[] }
  | { readonly kind: "seed"; readonly accountId: string }
  | { readonly kind: "deposit" | "withdraw"; readonly accountId: string; readonly amount: number };

interface Item {
  readonly transaction: number;
  readonly role: Role;
  /** How far above the epoch that it began with. */
  readonly epoch: number;
  /** Whether it is about another payload than the transaction's. */
  readonly other: boolean;
}

const otherEntries: readonly Entry[] = [["0", 1]];

/** Actions that are asked for in one turn, and the time that passes afterwards. */
interface Round {
  readonly actions: readonly Action[];
  readonly afterMs: number;
}

interface History {
  readonly transactions: readonly { readonly protocol: Protocol; readonly entries: readonly Entry[] }[];
  readonly rounds: readonly Round[];
}

const accountId = fc.constantFrom(...accountIds);

const item: fc.Arbitrary<Item> = fc.record({
  transaction: fc.nat({ max: transactions - 1 }),
  role: fc.constantFrom<Role>("vote", "vote", "vote", "forward", "backward", "query", "forget"),
  epoch: fc.constantFrom(0, 0, 0, 0, 1, 2),
  other: fc.constantFrom(false, false, false, false, false, false, false, true),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("message"), items: fc.array(item, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("seed"), accountId }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("deposit", "withdraw"),
      accountId,
      amount: fc.integer({ min: 1, max: 9 }),
    }),
  },
);

const round: fc.Arbitrary<Round> = fc.record({
  actions: fc.array(action, { minLength: 1, maxLength: 4 }),
  afterMs: fc.oneof(
    { weight: 20, arbitrary: fc.nat({ max: 600 }) },
    { weight: 1, arbitrary: fc.constantFrom(70_000, defaultLimits.maxAgeMs / 2, 2 * defaultLimits.maxAgeMs) },
  ),
});

const history: fc.Arbitrary<History> = fc.record({
  transactions: fc.array(
    fc.record({
      protocol: fc.constantFrom<Protocol>("2pc", "saga"),
      entries: fc.array(fc.tuple(accountId, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: transactions, maxLength: transactions },
  ),
  rounds: fc.array(round, { minLength: 5, maxLength: 25 }),
});

interface AccountModel {
  generation: string;
  deposited: number;
  withdrawn: number;
}

interface BranchModel {
  state: BranchState | undefined;
  /** What the yes took: from which accounts, of which generation, how much. */
  taken: readonly { readonly accountId: string; readonly generation: string; readonly amount: number }[] | undefined;
}

/** Met over all histories: a property that never meets a case says nothing about it. */
const met = new Map<string, number>();
const meet = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);

class AccountHistory {
  readonly #clock = new TestClock();
  readonly #ledger;
  readonly #history: History;
  readonly #commands: readonly Readonly<Record<Role, Command>>[];
  readonly #branches: readonly BranchModel[];
  readonly #accounts = new Map<string, AccountModel>();
  #seeds = 0;

  constructor(planned: History) {
    this.#history = planned;
    const reasons = { insufficient: "insufficient", absent: "absent" };
    const options = { clock: this.#clock, schedule: nextTurn };
    this.#ledger = memoryBranches(ledgerHandler(reasons), operations, options);
    this.#commands = planned.transactions.map(({ protocol, entries }, index) =>
      commandsIn(this.#clock, protocol, {
        txId: `order-${index}:life1:1`,
        payload: { entries },
        deadlineAt: this.#clock.now() + defaultLimits.maxAgeMs,
      }),
    );
    this.#branches = planned.transactions.map(() => ({ state: undefined, taken: undefined }));
  }

  async live(): Promise<void> {
    await this.#act(accountIds.map((id) => ({ kind: "seed", accountId: id })));
    for (const { actions, afterMs } of this.#history.rounds) {
      await this.#act(actions);
      await this.#checkAccounts();
      this.#clock.advance(afterMs);
      while ((await this.#ledger.store.sweep(100)).more) meet("a long sweep");
    }
    await this.#end();
  }

  /** Everything that is undecided ends, one way or the other; then no hold is left. */
  async #end(): Promise<void> {
    const ends = this.#branches.flatMap(({ state }, transaction): Item[] => {
      if (state === undefined || !isYesState(state)) return [];
      return [{ transaction, role: transaction % 2 === 0 ? "forward" : "backward", epoch: 2, other: false }];
    });
    await this.#act([{ kind: "message", items: [...ends, ...ends] }]);
    await this.#checkAccounts();
    assert.equal((await this.#ledger.run(ledgerOperations.totals, undefined)).held, 0, "S7 no hold is left");
  }

  /** All of them are asked for before any is answered, and take effect in that order. */
  async #act(actions: readonly Action[]): Promise<void> {
    const learn = actions.map((each) => this.#start(each));
    for (const learned of learn) (await learned)();
  }

  /** Resolves with what the model makes of the answers. */
  async #start(asked: Action): Promise<() => void> {
    const { run, store } = this.#ledger;
    switch (asked.kind) {
      case "message": {
        const answers = await store.apply(asked.items.map((each) => this.#command(each)));
        return () => asked.items.forEach((each, index) => this.#learn(each, answers[index]));
      }
      case "seed": {
        this.#seeds += 1;
        const generation = `seed ${this.#seeds}`;
        const first = Number(asked.accountId);
        await run(ledgerOperations.seed, { first, count: 1, generation, available: seeded, details: null });
        return () => {
          if (this.#expected(asked.accountId).held > 0) meet("seeded while held");
          this.#accounts.set(asked.accountId, { generation, deposited: seeded, withdrawn: 0 });
        };
      }
      case "deposit":
      case "withdraw": {
        const { kind, account } = (await run(operations[asked.kind], asked)) as {
          kind: string;
          account: { available: number };
        };
        return () => {
          meet(`${asked.kind} ${kind}`);
          const model = this.#accounts.get(asked.accountId);
          assert.ok(model !== undefined);
          if (kind === "ok") model[asked.kind === "deposit" ? "deposited" : "withdrawn"] += asked.amount;
          assert.equal(account.available, this.#expected(asked.accountId).available);
        };
      }
    }
  }

  #command({ transaction, role, epoch, other }: Item): Command {
    const command = this.#commands[transaction]?.[role];
    assert.ok(command !== undefined);
    const raised = { ...command, epoch: command.epoch + epoch };
    return other ? { ...raised, payload: { entries: otherEntries } } : raised;
  }

  #learn({ transaction, role, other }: Item, answer: Answer | undefined): void {
    const branch = this.#branches[transaction];
    assert.ok(branch !== undefined && answer !== undefined, "M4 one answer per command");
    assert.notEqual(answer.kind, "unknown", "no step fails");
    meet(answer.kind);
    if (answer.kind === "refused") branch.state ??= "aborted";
    if (answer.kind !== "done") return;
    const before = branch.state;
    const { state } = answer;
    meet(`${before ?? "none"} → ${state}`);
    branch.state = state;
    if (before === undefined && !isBackwardFinal(state)) {
      assert.ok(branch.taken === undefined, "a transaction takes once");
      if (role === "forward") meet("applied again");
      const entries = other ? otherEntries : this.#history.transactions[transaction]?.entries;
      branch.taken = entries?.map(([id, amount]) => {
        return { accountId: id, amount, generation: this.#accounts.get(id)?.generation ?? "" };
      });
    } else if (before !== undefined && before !== state && !isBackwardFinal(before)) {
      assert.ok(isYesState(before) && !isYesState(state), `P1, P2 ${before} → ${state}`);
    } else if (before !== undefined && isBackwardFinal(before)) {
      assert.ok(isBackwardFinal(state), `P2 ${before} → ${state}`);
    }
  }

  /** The expected state of an account, from the answers to its branches. */
  #expected(id: string): Record<"available" | "held" | "spent" | "deposited" | "withdrawn", number> {
    const account = this.#accounts.get(id);
    if (account === undefined) return { available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
    const { generation, deposited, withdrawn } = account;
    const { held, spent } = this.#taken(id, (each) => each === generation);
    return { available: deposited - withdrawn - held - spent, held, spent, deposited, withdrawn };
  }

  #taken(id: string, isMeant: (generation: string) => boolean): { spent: number; held: number } {
    const sums = { spent: 0, held: 0 };
    for (const { state, taken } of this.#branches) {
      for (const took of taken ?? []) {
        if (took.accountId !== id || !isMeant(took.generation)) continue;
        if (state === "prepared") sums.held += took.amount;
        else if (state === "executed" || state === "committed" || state === "completed") sums.spent += took.amount;
      }
    }
    return sums;
  }

  async #checkAccounts(): Promise<void> {
    for (const id of accountIds) {
      const account = await this.#ledger.run(ledgerOperations.findAccount, { accountId: id });
      assert.ok(account !== null);
      const { available, held, spent, deposited, withdrawn } = account;
      assert.equal(deposited, available + held + spent + withdrawn, `S2 account ${id}`);
      const parts = { available, held, spent, deposited, withdrawn };
      for (const [part, amount] of Object.entries(parts)) assert.ok(amount >= 0, `S3 ${part} of account ${id}`);
      assert.deepEqual(parts, this.#expected(id), `account ${id} is what was taken and settled, each once`);
      const former = this.#taken(id, (generation) => generation !== account.generation);
      const replaced = await this.#ledger.run(operations.replaced, { accountId: id });
      assert.deepEqual(replaced, former, `what earlier generations of account ${id} have spent and hold`);
      if (former.held > 0) meet("held by a earlier generation");
      if (former.spent > 0) meet("spent by a earlier generation");
    }
  }
}

test("S2, S3, P4 every history of commands, seedings and movements leaves accounts that add up", async () => {
  await fc.assert(
    fc.asyncProperty(history, (planned) => new AccountHistory(planned).live()),
    { numRuns: 400 },
  );
  const cases = `done, refused, contended, mismatch, fenced, conflict, expired, forgotten, hazard,
    none → prepared, none → executed, none → aborted, none → compensated, none → committed, applied again,
    prepared → committed, prepared → aborted, executed → completed, executed → compensated,
    committed → committed, aborted → aborted, seeded while held, deposit ok, withdraw ok, withdraw insufficient,
    held by a earlier generation, spent by a earlier generation`;
  assert.deepEqual(
    cases.split(/,\s+/).filter((each) => !met.has(each)),
    [],
    "every case is met",
  );
});
