// The branch machine in its store: states, tombstones, stored answers (P1–P4).
import { defaultLimits } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LedgerAdapter } from "./adapters.ts";
import {
  applied,
  assertAccount,
  assertConserved,
  commandsIn,
  commandsOf,
  finalOf,
  protocols,
  seedAccounts,
  taking,
  tombstoneOf,
  yesOf,
} from "./commands.ts";
import type { Case } from "./suite.ts";

export const branchCases: readonly Case<LedgerAdapter>[] = [
  {
    name: "P1 a vote, then forward: reserved or done, then spent",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol));
        const spentBefore = protocol === "saga" ? 10 : 0;
        const voted = protocol === "2pc" ? { available: 90, held: 10 } : { available: 80, spent: 20 };
        await assertAccount(adapter, "0", voted);
        assert.deepEqual(await applied(adapter, forward), finalOf(protocol));
        await assertAccount(adapter, "0", { available: 90 - spentBefore, spent: 10 + spentBefore });
      }
    },
  },
  {
    name: "P1 a vote, then backward: everything is restored",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol));
        assert.deepEqual(await applied(adapter, backward), tombstoneOf(protocol));
        await assertAccount(adapter, "0", { available: 100 });
      }
    },
  },
  {
    name: "P2 forward on backward, and backward on forward, is a conflict and changes nothing",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const forwards = commandsIn(clock, protocol, { txId: `${protocol}:f:1` });
        await adapter.store.apply([forwards.vote, forwards.forward]);
        const before = await adapter.accounts.find("0");
        assert.equal((await applied(adapter, forwards.backward)).kind, "conflict");
        const backwards = commandsIn(clock, protocol, { txId: `${protocol}:b:1` });
        await adapter.store.apply([backwards.vote, backwards.backward]);
        assert.equal((await applied(adapter, backwards.forward)).kind, "conflict");
        assert.deepEqual(await adapter.accounts.find("0"), before);
        assert.deepEqual(await applied(adapter, forwards.query), finalOf(protocol), "the state stays");
        assert.deepEqual(await applied(adapter, backwards.query), tombstoneOf(protocol), "the state stays");
      }
    },
  },
  {
    name: "P3 a backward verb on a branch that never ran leaves a tombstone: a late vote is refused",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        assert.deepEqual(await applied(adapter, backward), tombstoneOf(protocol));
        assert.equal((await applied(adapter, vote)).kind, "refused");
        await assertAccount(adapter, "0", { available: 100 });
      }
    },
  },
  {
    name: "P3 query-or-prevent on a branch that never ran leaves a tombstone: a late vote is refused",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, query } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        assert.deepEqual(await applied(adapter, query), tombstoneOf(protocol));
        assert.equal((await applied(adapter, vote)).kind, "refused");
        assert.deepEqual(await applied(adapter, query), tombstoneOf(protocol));
        await assertAccount(adapter, "0", { available: 100 });
      }
    },
  },
  {
    name: "P3 a refusal is final, with its reason, even if the amount is available later",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const [index, protocol] of protocols.entries()) {
        const account = String(index);
        const payload = taking([account, 500]);
        const { vote, query, backward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1`, payload });
        const refused = { kind: "refused", reason: "insufficient" };
        assert.deepEqual(await applied(adapter, vote), refused);
        await adapter.accounts.deposit(account, 900);
        assert.deepEqual(await applied(adapter, vote), refused, "a duplicate gets the stored answer");
        const stored = { ...tombstoneOf(protocol), refusal: "insufficient" };
        assert.deepEqual(await applied(adapter, query), stored);
        assert.deepEqual(await applied(adapter, backward), stored);
        await assertAccount(adapter, account, { available: 1_000 });
      }
    },
  },
  {
    name: "P4 a duplicate gets the stored answer and takes nothing twice",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        for (let times = 0; times < 3; times += 1) assert.deepEqual(await applied(adapter, vote), yesOf(protocol));
        for (let times = 0; times < 3; times += 1) assert.deepEqual(await applied(adapter, forward), finalOf(protocol));
        assert.deepEqual(await applied(adapter, vote), finalOf(protocol), "a late vote is no conflict (P2)");
      }
      await assertAccount(adapter, "0", { available: 80, spent: 20 });
    },
  },
  {
    name: "P4 duplicates of one message, and concurrent ones, take nothing twice",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const [index, protocol] of protocols.entries()) {
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:life1:1` });
        const messages = Array.from({ length: 5 }, () => adapter.store.apply([vote, vote]));
        const answers = (await Promise.all(messages)).flat();
        assert.deepEqual(
          answers,
          Array.from({ length: 10 }, () => yesOf(protocol)),
        );
        assert.equal((await adapter.accounts.find("0"))?.available, 90, `vote ${index}`);
        await Promise.all([adapter.store.apply([backward, backward]), adapter.store.apply([backward])]);
        await assertAccount(adapter, "0", { available: 100 });
      }
    },
  },
  {
    name: "P4 other content with the same name is a mismatch and changes nothing",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const command = commandsOf(clock);
      await applied(adapter, command("prepare"));
      const other = { ...command("prepare"), payload: taking(["0", 11]) };
      assert.deepEqual(await applied(adapter, other), { kind: "mismatch" });
      const query = { ...command("query-or-prevent"), payload: taking(["0", 11]) };
      assert.deepEqual(await applied(adapter, query), { kind: "mismatch" });
      await assertAccount(adapter, "0", { available: 90, held: 10 });
    },
  },
  {
    name: "P1 branches of one transaction, and transactions with one branch name, are independent",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const first = commandsOf(clock);
      const sibling = commandsOf(clock, { branchId: "stock/1" });
      const stranger = commandsOf(clock, { txId: "order-1:life1:2" });
      await adapter.store.apply([first("prepare"), sibling("prepare"), stranger("prepare")]);
      await assertAccount(adapter, "0", { available: 70, held: 30 });
      await adapter.store.apply([first("commit"), stranger("abort")]);
      await assertAccount(adapter, "0", { available: 80, held: 10, spent: 10 });
    },
  },
  {
    name: "M4 one answer per command, in order, each with its own outcome",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      // Not the same backwards.
      const kindOf = (index: number): string => ["done", "refused", "refused"][index % 3] ?? "";
      const commands = Array.from({ length: 9 }, (_, index) => {
        const amount = kindOf(index) === "refused" ? 1_000 : 1;
        return commandsOf(clock, { txId: `order-${index}:life1:1`, payload: taking(["2", amount]) })("prepare");
      });
      const answers = await adapter.store.apply(commands);
      assert.deepEqual(
        answers.map(({ kind }) => kind),
        commands.map((_, index) => kindOf(index)),
      );
      assert.deepEqual(await adapter.store.apply([]), []);
      await assertConserved(adapter);
    },
  },
  {
    name: "M3 a failed step is unknown, is rolled back completely, and does not affect others",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const payload = taking(["0", 10], ["1", 10]);
      const failing = commandsOf(clock, { payload });
      const healthy = commandsOf(clock, { txId: "order-2:life1:1" });
      await applied(adapter, failing("prepare"));
      // Seeding under the same generation takes the hold away: releasing it would break S2, after account 0 was done.
      await adapter.accounts.seed({ first: 1, count: 1, generation: "seed1", available: 100, details: null });
      const answers = await adapter.store.apply([healthy("prepare"), failing("abort"), healthy("commit")]);
      assert.deepEqual(
        answers.map(({ kind }) => kind),
        ["done", "unknown", "done"],
      );
      await assertAccount(adapter, "0", { available: 80, held: 10, spent: 10 });
      assert.deepEqual(await applied(adapter, failing("query-or-prevent")), yesOf("2pc"), "the record stays");
      // With a hold to release, the same command goes through.
      await applied(adapter, commandsOf(clock, { txId: "order-3:life1:1", payload: taking(["1", 10]) })("prepare"));
      assert.deepEqual(await applied(adapter, failing("abort")), tombstoneOf("2pc"));
      await assertAccount(adapter, "0", { available: 90, spent: 10 });
      assert.ok(clock.now() < failing("abort").begunAt + defaultLimits.maxAgeMs);
    },
  },
];
