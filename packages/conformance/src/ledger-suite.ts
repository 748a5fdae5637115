// The suite of the ledger behind a branch store: conservation (S2, S3), all or none, contention (P10), generations.
import { amountMax, balanceMax, type Json } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LedgerAdapter } from "./adapters.ts";
import {
  applied,
  assertAccount,
  assertConserved,
  commandsIn,
  commandsOf,
  protocols,
  seedAccounts,
} from "./commands.ts";
import { finalOf, taking, tombstoneOf, yesOf } from "./commands.ts";
import { contentionCases } from "./ledger-contention-cases.ts";
import { numbers } from "./numbers.ts";
import { type Case, type Open, register, type Suite } from "./suite.ts";

const refused = (reason: string) => ({ kind: "refused", reason }) as const;

const entryCases: readonly Case<LedgerAdapter>[] = [
  {
    name: "S2 a branch takes from all of its accounts or from none",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        for (const [index, last] of [["1", 101] as const, ["nobody", 1] as const].entries()) {
          const payload = taking(["0", 10], ["2", 10], last);
          const { vote } = commandsIn(clock, protocol, { txId: `${protocol}:1:${index + 1}`, payload });
          const reason = last[0] === "nobody" ? "absent" : "insufficient";
          assert.deepEqual(await applied(adapter, vote), refused(reason));
        }
        for (const account of ["0", "1", "2"]) await assertAccount(adapter, account, { available: 100 });
        const payload = taking(["0", 10], ["1", 20], ["2", 30]);
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:9`, payload });
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol));
        assert.equal((await adapter.accounts.find("2"))?.available, 70);
        assert.deepEqual(await applied(adapter, backward), tombstoneOf(protocol));
        for (const account of ["0", "1", "2"]) await assertAccount(adapter, account, { available: 100 });
      }
    },
  },
  {
    name: "S2 an account that is named twice is charged twice",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const tooMuch = commandsIn(clock, protocol, { txId: `${protocol}:1:1`, payload: taking(["0", 60], ["0", 60]) });
        assert.deepEqual(await applied(adapter, tooMuch.vote), refused("insufficient"));
        const payload = taking(["0", 20], ["0", 5]);
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:2`, payload });
        await applied(adapter, vote);
        assert.equal((await adapter.accounts.find("0"))?.available, 75);
        await applied(adapter, backward);
        await assertAccount(adapter, "0", { available: 100 });
      }
    },
  },
  {
    name: "S3 amounts are whole numbers from 1 to 10^12; anything else is refused",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 2 * amountMax });
      const payloads: readonly Json[] = [
        ...[0, -1, 1.5, amountMax + 1, "1", null].map((amount): Json => ({ entries: [["0", amount]] })),
        {
          entries: [
            ["0", amountMax],
            ["0", 1],
          ],
        },
        { entries: [] },
        { entries: [["0"]] },
        { entries: [[0, 1]] },
        { entries: ["0", 1] },
        {},
        [],
        "0",
      ];
      for (const protocol of protocols) {
        for (const [index, payload] of payloads.entries()) {
          const { vote } = commandsIn(clock, protocol, { txId: `${protocol}:1:${index + 1}`, payload });
          assert.deepEqual(await applied(adapter, vote), refused("invalid_payload"), JSON.stringify(payload));
        }
        await assertAccount(adapter, "0", { available: 2 * amountMax });
        const payload = taking(["0", amountMax], ["1", 1]);
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:99`, payload });
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol));
        await applied(adapter, backward);
      }
    },
  },
  {
    name: "S3 a balance never exceeds 2^53 − 1, and deposits and withdrawals are counted",
    async run(adapter) {
      const { accounts } = adapter;
      assert.deepEqual(await accounts.deposit("nobody", 1), { kind: "absent" });
      assert.equal(await accounts.find("nobody"), undefined);
      await accounts.open({ accountId: "new", generation: "g1", details: null });
      await assertAccount(adapter, "new", {});
      assert.equal((await accounts.deposit("new", 70)).kind, "ok");
      assert.equal((await accounts.withdraw("new", 71)).kind, "insufficient");
      assert.equal((await accounts.withdraw("new", 30)).kind, "ok");
      const { available, deposited, withdrawn } = (await accounts.find("new")) ?? {};
      assert.deepEqual({ available, deposited, withdrawn }, { available: 40, deposited: 70, withdrawn: 30 });
      await seedAccounts(adapter, { first: 9, count: 1, available: balanceMax - 1 });
      assert.equal((await accounts.deposit("9", 2)).kind, "too_large");
      assert.equal((await accounts.deposit("9", 1)).kind, "ok");
      assert.equal((await accounts.find("9"))?.available, balanceMax);
    },
  },
  {
    name: "S3 held units cannot be withdrawn",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const command = commandsOf(clock, { payload: taking(["0", 60]) });
      await applied(adapter, command("prepare"));
      assert.equal((await adapter.accounts.withdraw("0", 41)).kind, "insufficient");
      assert.equal((await adapter.accounts.withdraw("0", 40)).kind, "ok");
      await applied(adapter, command("abort"));
      await assertAccount(adapter, "0", { available: 60 });
      await assertConserved(adapter);
    },
  },
  {
    name: "S2 an account seeded again owes nothing to branches of an earlier generation",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const histories = [
        ["prepare", "commit"],
        ["prepare", "abort"],
        ["execute", "complete"],
        ["execute", "compensate"],
      ] as const;
      const commands = histories.map((_, index) =>
        commandsOf(clock, { txId: `order-${index}:1:1`, payload: taking(["0", 10], ["1", 5]) }),
      );
      for (const [index, [vote]] of histories.entries()) {
        const command = commands[index];
        if (command !== undefined) assert.equal((await applied(adapter, command(vote))).kind, "done");
      }
      await seedAccounts(adapter, { count: 1, generation: "seed2", available: 30 });
      for (const [index, [, last]] of histories.entries()) {
        const command = commands[index];
        if (command !== undefined) assert.equal((await applied(adapter, command(last))).kind, "done");
      }
      await assertAccount(adapter, "0", { available: 30 });
      await assertAccount(adapter, "1", { available: 90, spent: 10 });
      await assertConserved(adapter);
    },
  },
  {
    name: "S2 a branch is settled once, even if others use the same account",
    async run(adapter, clock) {
      for (const protocol of protocols) {
        await seedAccounts(adapter);
        const others = commandsIn(clock, protocol, { txId: `${protocol}:others:1`, payload: taking(["0", 50]) });
        await applied(adapter, others.vote);
        const back = commandsIn(clock, protocol, { txId: `${protocol}:back:1` });
        const forth = commandsIn(clock, protocol, { txId: `${protocol}:forth:1` });
        for (const { vote } of [back, forth]) await applied(adapter, vote);
        for (let times = 0; times < 3; times += 1) {
          assert.deepEqual(await applied(adapter, back.backward), tombstoneOf(protocol));
          assert.deepEqual(await applied(adapter, forth.forward), finalOf(protocol));
        }
        const rest = protocol === "2pc" ? { held: 50, spent: 10 } : { spent: 60 };
        await assertAccount(adapter, "0", { available: 40, ...rest });
      }
    },
  },
  {
    name: "S2 totals are the sums over all accounts",
    async run(adapter, clock) {
      await seedAccounts(adapter, { count: 50, available: 7 });
      await applied(adapter, commandsOf(clock, { payload: taking(["3", 2], ["4", 3]) })("prepare"));
      await applied(adapter, commandsOf(clock, { txId: "order-2:1:1", payload: taking(["5", 4]) })("execute"));
      await adapter.accounts.withdraw("6", 6);
      const expected = { accounts: 50, available: 335, held: 5, spent: 4, deposited: 350, withdrawn: 6 };
      assert.deepEqual({ ...(await adapter.accounts.totals()) }, expected);
    },
  },
  {
    name: "S2 S3 a random history conserves every account",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const next = numbers(20_250_101);
      const transactions = 40;
      for (let step = 0; step < 600; step += 1) {
        const number = next(transactions);
        const protocol = number % 2 === 0 ? "2pc" : "saga";
        const payload = taking([String(number % 3), 1 + (number % 40)], [String((number + 1) % 3), 1 + (number % 7)]);
        const { vote, forward, backward, query } = commandsIn(clock, protocol, {
          txId: `order-${number}:1:1`,
          payload,
          begunAt: clock.now() - step,
        });
        const command = [vote, vote, forward, backward, query][next(5)] ?? vote;
        await applied(adapter, command);
        if (step % 10 === 0) await adapter.accounts.deposit(String(next(3)), 1 + next(5));
        if (step % 50 === 0) await assertConserved(adapter);
        clock.advance(1);
      }
      for (const id of ["0", "1", "2"]) {
        const account = await adapter.accounts.find(id);
        assert.ok(account !== undefined);
        const { available, held, spent, deposited, withdrawn } = account;
        assert.equal(deposited, available + held + spent + withdrawn, `S2 account ${id}`);
        assert.ok(Math.min(available, held, spent) >= 0, `S3 account ${id}`);
      }
    },
  },
];

export const ledgerCases: Suite<LedgerAdapter> = { name: "Ledger", cases: [...entryCases, ...contentionCases] };

/** Registers the tests of a ledger for an adapter. */
export function ledgerSuite(open: Open<LedgerAdapter>): void {
  register(ledgerCases, open);
}
