// P10: no false sold-out, and branches are served in the order in which they asked.
import { waitingForgottenMs } from "assent/ledger";
import type { Command } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LedgerAdapter } from "./adapters.ts";
import { applied, assertAccount, commandsOf, seedAccounts, taking, yesOf } from "./commands.ts";
import type { Case } from "./suite.ts";
import type { TestClock } from "./test-clock.ts";

const contended = { kind: "contended" } as const;
const insufficient = { kind: "refused", reason: "insufficient" } as const;

/** Who wants how much of account 0. */
function wants(clock: TestClock, who: string, amount: number): (verb: Command["verb"]) => Command {
  return commandsOf(clock, { txId: `${who}:life1:1`, payload: taking(["0", amount]) });
}

export const contentionCases: readonly Case<LedgerAdapter>[] = [
  {
    name: "P10 a shortage that releases could resolve is contended; any other is refused",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      const [first, second, third] = [wants(clock, "a", 8), wants(clock, "b", 5), wants(clock, "c", 11)];
      assert.deepEqual(await applied(adapter, first("prepare")), yesOf("2pc"));
      assert.deepEqual(await applied(adapter, second("prepare")), contended);
      assert.deepEqual(await applied(adapter, third("prepare")), insufficient);
      await assertAccount(adapter, "0", { available: 2, held: 8 });
      await applied(adapter, first("abort"));
      assert.deepEqual(await applied(adapter, second("prepare")), yesOf("2pc"), "contended was no vote");
    },
  },
  {
    name: "P10 a shortage of spent units is refused, not contended",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      const [first, second] = [wants(clock, "a", 8), wants(clock, "b", 5)];
      await applied(adapter, first("prepare"));
      assert.deepEqual(await applied(adapter, second("prepare")), contended);
      await applied(adapter, first("commit"));
      assert.deepEqual(await applied(adapter, second("prepare")), insufficient);
      await assertAccount(adapter, "0", { available: 2, spent: 8 });
    },
  },
  {
    name: "P10 a contended branch holds nothing, on no account",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      await applied(adapter, wants(clock, "a", 8)("prepare"));
      const both = commandsOf(clock, { txId: "b:life1:1", payload: taking(["1", 4], ["0", 5], ["2", 4]) });
      assert.deepEqual(await applied(adapter, both("prepare")), contended);
      await assertAccount(adapter, "1", { available: 10 });
      await assertAccount(adapter, "2", { available: 10 });
    },
  },
  {
    name: "P10 a branch that asked first for held units is served first",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      const [holder, first, second] = [wants(clock, "a", 10), wants(clock, "b", 9), wants(clock, "c", 2)];
      await applied(adapter, holder("prepare"));
      assert.deepEqual(await applied(adapter, first("prepare")), contended);
      assert.deepEqual(await applied(adapter, second("prepare")), contended);
      await applied(adapter, holder("abort"));
      assert.deepEqual(await applied(adapter, second("prepare")), contended, "not before its turn");
      assert.deepEqual(await applied(adapter, first("prepare")), yesOf("2pc"));
      assert.deepEqual(await applied(adapter, second("prepare")), contended);
      await applied(adapter, first("abort"));
      assert.deepEqual(await applied(adapter, second("prepare")), yesOf("2pc"));
    },
  },
  {
    name: "P10 units beyond those waited for are held at once",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      const [holder, first, small] = [wants(clock, "a", 7), wants(clock, "b", 4), wants(clock, "c", 2)];
      await applied(adapter, holder("prepare"));
      assert.deepEqual(await applied(adapter, first("prepare")), contended);
      await adapter.accounts.deposit("0", 3);
      assert.deepEqual(await applied(adapter, small("prepare")), yesOf("2pc"), "6 available, 4 of them waited for");
    },
  },
  {
    name: "P10 a branch that does not ask again loses its turn",
    async run(adapter, clock) {
      await seedAccounts(adapter, { available: 10 });
      const [holder, gone, second] = [wants(clock, "a", 10), wants(clock, "b", 9), wants(clock, "c", 2)];
      await applied(adapter, holder("prepare"));
      await applied(adapter, gone("prepare"));
      await applied(adapter, holder("abort"));
      clock.advance(waitingForgottenMs);
      assert.deepEqual(await applied(adapter, second("prepare")), contended, "it may still come");
      clock.advance(1);
      assert.deepEqual(await applied(adapter, second("prepare")), yesOf("2pc"));
    },
  },
  {
    name: "S3 concurrent votes never take more than is available",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const votes = Array.from({ length: 30 }, (_, index) => wants(clock, `order-${index}`, 9)("prepare"));
      const answers = (await Promise.all(votes.map((vote) => adapter.store.apply([vote])))).flat();
      assert.equal(answers.filter(({ kind }) => kind === "done").length, 11);
      assert.equal(answers.filter(({ kind }) => kind === "contended").length, 19);
      await assertAccount(adapter, "0", { available: 1, held: 99 });
    },
  },
];
