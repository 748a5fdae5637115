// Fences, ages and deadlines (P5, P7, P8), re-application (P9), questions and removal (P6, P7).
import { type Command, defaultLimits, type Question } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LedgerAdapter } from "./adapters.ts";
import {
  applied,
  assertAccount,
  commandsIn,
  commandsOf,
  finalOf,
  origin,
  protocols,
  seedAccounts,
  taking,
  tombstoneOf,
  yesOf,
} from "./commands.ts";
import type { Case } from "./suite.ts";

const { maxAgeMs, askAfterMs, clockSkewMs, phaseOneDeadlineMs } = defaultLimits;

const at = (command: Command, epoch: number): Command => ({ ...command, epoch });

/** All questions that are due now. */
async function questionsOf({ store }: LedgerAdapter): Promise<readonly Question[]> {
  const questions: Question[] = [];
  for (;;) {
    const sweep = await store.sweep(100);
    questions.push(...sweep.questions);
    if (!sweep.more) return questions;
  }
}

const fenceCases: readonly Case<LedgerAdapter>[] = [
  {
    name: "P5 a lower epoch is fenced with the highest seen, before anything else, and does nothing",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward, backward, query, forget } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        const { epoch } = vote;
        await applied(adapter, vote);
        const before = await adapter.accounts.find("0");
        assert.deepEqual(await applied(adapter, at(query, epoch + 5)), yesOf(protocol));
        for (const late of [vote, forward, backward, query, forget, at(vote, epoch + 4)]) {
          assert.deepEqual(await applied(adapter, late), { kind: "fenced", epoch: epoch + 5 }, late.verb);
        }
        assert.deepEqual(await adapter.accounts.find("0"), before);
        assert.deepEqual(await applied(adapter, at(forward, epoch + 5)), finalOf(protocol), "equal is not lower");
      }
    },
  },
  {
    name: "P5 the highest epoch is recorded on duplicates, finals and tombstones",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const { epoch } = commandsOf(clock)("prepare");
      const histories = [["prepare"], ["prepare", "commit"], ["prepare", "abort"], ["abort"]] as const;
      for (const [index, history] of histories.entries()) {
        const command = commandsOf(clock, { txId: `order-${index}:life1:1` });
        for (const verb of history) await applied(adapter, command(verb));
        const last = command(history.at(-1) ?? "prepare");
        assert.equal((await applied(adapter, at(last, epoch + 7))).kind, "done");
        const fenced = { kind: "fenced", epoch: epoch + 7 };
        assert.deepEqual(await applied(adapter, at(last, epoch + 6)), fenced, history.join());
        const conflicting = commandsOf(clock, { txId: `order-${index}:life1:1`, epoch: epoch + 9 });
        await applied(adapter, conflicting("prepare"));
        const again = { kind: "fenced", epoch: epoch + 9 };
        assert.deepEqual(await applied(adapter, at(last, epoch + 8)), again, history.join());
      }
    },
  },
  {
    name: "P7 an absent branch of an old transaction is expired: no effect, no tombstone",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const old = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        clock.advance(maxAgeMs + 1);
        for (const command of [old.vote, old.forward, old.backward, old.query]) {
          assert.deepEqual(await applied(adapter, command), { kind: "expired" }, command.verb);
        }
        assert.deepEqual(await applied(adapter, old.forget), { kind: "forgotten" });
        await assertAccount(adapter, "0", { available: 100 });
        // A tombstone would refuse this one.
        const young = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        assert.deepEqual(await applied(adapter, young.vote), yesOf(protocol));
        assert.deepEqual(await applied(adapter, young.backward), tombstoneOf(protocol));
      }
    },
  },
  {
    name: "P5 a stored answer comes before expiry and deadline",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await applied(adapter, vote);
        clock.advance(phaseOneDeadlineMs + clockSkewMs + 1);
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol), "past the deadline");
        clock.advance(maxAgeMs);
        assert.deepEqual(await applied(adapter, vote), yesOf(protocol), "past its age");
        assert.deepEqual(await applied(adapter, backward), tombstoneOf(protocol));
      }
      await assertAccount(adapter, "0", { available: 100 });
    },
  },
  {
    name: "P8 a first vote past its deadline and the skew is refused with a tombstone",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const skewed = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        const late = commandsIn(clock, protocol, { txId: `${protocol}:1:2` });
        clock.advance(phaseOneDeadlineMs + clockSkewMs);
        assert.deepEqual(await applied(adapter, skewed.vote), yesOf(protocol), "within the skew");
        await applied(adapter, skewed.backward);
        clock.advance(1);
        assert.equal((await applied(adapter, late.vote)).kind, "refused");
        const inTime = { ...late.vote, deadlineAt: clock.now() + 1_000 };
        assert.equal((await applied(adapter, inTime)).kind, "refused", "it left a tombstone");
      }
      await assertAccount(adapter, "0", { available: 100 });
    },
  },
  {
    name: "P9 a commit of a lost vote is applied again, once, within the balance",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const lost = commandsOf(clock);
      assert.deepEqual(await applied(adapter, lost("commit")), finalOf("2pc"));
      assert.deepEqual(await applied(adapter, lost("commit")), finalOf("2pc"));
      await assertAccount(adapter, "0", { available: 90, spent: 10 });
      assert.deepEqual(await applied(adapter, lost("prepare")), finalOf("2pc"), "a late vote meets the record");
      const tooMuch = commandsOf(clock, { txId: "order-2:life1:1", payload: taking(["0", 91]) });
      assert.equal((await applied(adapter, tooMuch("commit"))).kind, "hazard");
      await assertAccount(adapter, "0", { available: 90, spent: 10 });
      await adapter.accounts.deposit("0", 1);
      assert.deepEqual(await applied(adapter, tooMuch("commit")), finalOf("2pc"), "a hazard leaves nothing behind");
    },
  },
  {
    name: "P9 a lost vote of a saga shows as a hazard, and is not applied again",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const lost = commandsOf(clock);
      assert.equal((await applied(adapter, lost("complete"))).kind, "hazard");
      await assertAccount(adapter, "0", { available: 100 });
      assert.deepEqual(await applied(adapter, lost("execute")), yesOf("saga"), "a hazard leaves nothing behind");
    },
  },
  {
    name: "P7 forget is for final branches; late duplicates still meet the record",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward, forget, query } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await applied(adapter, vote);
        assert.equal((await applied(adapter, forget)).kind, "conflict");
        await applied(adapter, forward);
        const before = await adapter.accounts.find("0");
        for (let times = 0; times < 2; times += 1) {
          assert.deepEqual(await applied(adapter, forget), { kind: "forgotten" });
        }
        for (const late of [vote, forward, query]) assert.deepEqual(await applied(adapter, late), finalOf(protocol));
        assert.deepEqual(await adapter.accounts.find("0"), before);
      }
    },
  },
];

const sweepCases: readonly Case<LedgerAdapter>[] = [
  {
    name: "P6 a yes vote older than its limit asks, and asks again later",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, query, backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await applied(adapter, vote);
        clock.advance(askAfterMs - 1);
        assert.deepEqual(await questionsOf(adapter), [], "too young");
        clock.advance(2);
        const { txId, branchId, epoch, begunAt } = vote;
        const question = { txId, branchId, protocol, epoch, begunAt, origin };
        assert.deepEqual(await questionsOf(adapter), [question]);
        assert.deepEqual(await questionsOf(adapter), [], "asked a moment ago");
        await applied(adapter, at(query, epoch + 3));
        clock.advance(askAfterMs + 1);
        const [again] = await questionsOf(adapter);
        assert.deepEqual(again, { ...question, epoch: epoch + 3 }, "with the highest epoch seen");
        await applied(adapter, at(backward, epoch + 3));
        clock.advance(askAfterMs + 1);
        assert.deepEqual(await questionsOf(adapter), [], "backward-final asks nothing");
      }
    },
  },
  {
    name: "P6 a forward-final branch asks until it gets `forget`",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward, forget } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await adapter.store.apply([vote, forward]);
        clock.advance(askAfterMs + 1);
        assert.deepEqual(
          (await questionsOf(adapter)).map(({ txId }) => txId),
          [vote.txId],
        );
        await applied(adapter, forget);
        clock.advance(askAfterMs + 1);
        assert.deepEqual(await questionsOf(adapter), []);
      }
    },
  },
  {
    name: "P6 a branch never releases on its own, however old",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const { vote, forward } = commandsIn(clock, "2pc");
      await applied(adapter, vote);
      for (let age = 0; age < 5; age += 1) {
        clock.advance(maxAgeMs);
        await questionsOf(adapter);
      }
      await assertAccount(adapter, "0", { available: 90, held: 10 });
      assert.deepEqual(await applied(adapter, forward), finalOf("2pc"));
    },
  },
  {
    name: "P6 tombstones ask nothing",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { backward } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        const { query } = commandsIn(clock, protocol, { txId: `${protocol}:1:2` });
        const { vote } = commandsIn(clock, protocol, { txId: `${protocol}:1:3`, payload: taking(["0", 999]) });
        await adapter.store.apply([backward, query, vote]);
      }
      clock.advance(askAfterMs + 1);
      assert.deepEqual(await questionsOf(adapter), []);
    },
  },
  {
    name: "P7 a tombstone is kept until no command for it can be young, and then removed",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { backward, vote } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await applied(adapter, backward);
        clock.advance(2 * maxAgeMs - 1);
        await questionsOf(adapter);
        assert.equal((await applied(adapter, vote)).kind, "refused", "kept");
        clock.advance(2);
        await questionsOf(adapter);
        assert.equal((await applied(adapter, vote)).kind, "expired", "gone");
      }
    },
  },
  {
    name: "P7 a forward-final record is removed only after forget",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      for (const protocol of protocols) {
        const { vote, forward, forget } = commandsIn(clock, protocol, { txId: `${protocol}:1:1` });
        await adapter.store.apply([vote, forward]);
        clock.advance(3 * maxAgeMs);
        await questionsOf(adapter);
        assert.deepEqual(await applied(adapter, forward), finalOf(protocol), "kept");
        await applied(adapter, forget);
        clock.advance(askAfterMs + 1);
        await questionsOf(adapter);
        assert.deepEqual(await applied(adapter, forward), { kind: "expired" }, "gone, and never applied again");
      }
      await assertAccount(adapter, "0", { available: 80, spent: 20 });
    },
  },
  {
    name: "R7 a sweep reads no more than requested, reports when more is due, and misses nothing",
    async run(adapter, clock) {
      await seedAccounts(adapter);
      const commands = Array.from({ length: 7 }, (_, index) =>
        commandsOf(clock, { txId: `order-${index}:life1:1`, payload: taking(["0", 1]) })("prepare"),
      );
      await adapter.store.apply(commands);
      clock.advance(askAfterMs + 1);
      const asked: string[] = [];
      for (let more = true; more;) {
        const sweep = await adapter.store.sweep(3);
        assert.ok(sweep.questions.length <= 3);
        asked.push(...sweep.questions.map(({ txId }) => txId));
        more = sweep.more;
      }
      assert.deepEqual(asked.sort(), commands.map(({ txId }) => txId).sort());
    },
  },
];

export const branchAgeCases: readonly Case<LedgerAdapter>[] = [...fenceCases, ...sweepCases];
