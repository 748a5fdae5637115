// The ledger's handler behind a store: what the suite of every ledger does not ask already.
import { branchOperations } from "../engine/index.ts";
import { commandsIn, protocols, taking, TestClock, tombstoneOf, yesOf } from "@assent/conformance";
import type { Answer, Command, Json } from "../protocol/index.ts";
import { memoryBranches } from "../memory/index.ts";
import { nextTurn } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "./account.ts";
import { ledgerEntriesMax, ledgerHandler } from "./ledger-handler.ts";
import { ledgerOperations } from "./ledger-operations.ts";
import { waitingForgottenMs } from "./waiting-line.ts";

const contended = { kind: "contended" } as const;
const refused = (reason: string): Answer => ({ kind: "refused", reason });

/** A ledger of its own, with accounts of ten. */
class Desk {
  readonly clock: TestClock;
  readonly #branches;

  constructor(clock: TestClock = new TestClock()) {
    this.clock = clock;
    const handler = ledgerHandler({ insufficient: "sold_out", absent: "no_such_item" });
    this.#branches = memoryBranches(handler, ledgerOperations, { clock, schedule: nextTurn });
  }

  static async with(accountIds: readonly string[], clock?: TestClock): Promise<Desk> {
    const desk = new Desk(clock);
    for (const accountId of accountIds) {
      await desk.run(ledgerOperations.openAccount, { accountId, generation: `first ${accountId}`, details: null });
      await desk.run(ledgerOperations.deposit, { accountId, amount: 10 });
    }
    return desk;
  }

  get run() {
    return this.#branches.run;
  }

  async apply(command: Command): Promise<Answer> {
    const [answer] = await this.#branches.store.apply([command]);
    assert.ok(answer !== undefined);
    return answer;
  }

  /** The branch of a transaction of its own that wants these amounts, in two-phase commit. */
  wants(who: string, ...entries: readonly (readonly [accountId: string, amount: number])[]) {
    const common = { txId: `${who}:life1:1`, payload: taking(...entries) };
    const { vote, forward, backward } = commandsIn(this.clock, "2pc", common);
    return {
      prepare: () => this.apply(vote),
      commit: () => this.apply(forward),
      abort: () => this.apply(backward),
    };
  }

  async parts(accountId: string): Promise<Pick<Account, "available" | "held" | "spent">> {
    const account = await this.run(ledgerOperations.findAccount, { accountId });
    assert.ok(account !== null, accountId);
    const { available, held, spent } = account;
    return { available, held, spent };
  }
}

test("P3 a refusal has the reason that the service gave it; absent comes before insufficient", async () => {
  const desk = await Desk.with(["a"]);
  for (const protocol of protocols) {
    for (const [index, [payload, reason]] of (
      [
        [taking(["a", 11]), "sold_out"],
        [taking(["nobody", 1]), "no_such_item"],
        [taking(["a", 11], ["nobody", 1]), "no_such_item"],
        [{ entries: [["a", 1, 1]] }, "invalid_payload"],
        [{ entries: { 0: ["a", 1] } }, "invalid_payload"],
        [{ entries: [["a", 1], null] }, "invalid_payload"],
        [taking(["a\ud800", 1]), "invalid_payload"],
        [taking(["a", 1], ["", 1]), "invalid_payload"],
        [taking(["a".repeat(257), 1]), "invalid_payload"],
      ] as readonly (readonly [Json, string])[]
    ).entries()) {
      const { vote } = commandsIn(desk.clock, protocol, { txId: `${protocol}:1:${index + 1}`, payload });
      assert.deepEqual(await desk.apply(vote), refused(reason), JSON.stringify(payload));
    }
  }
  assert.deepEqual(await desk.parts("a"), { available: 10, held: 0, spent: 0 });
});

test("S2 a branch has as many entries as the limit, and not one more", async () => {
  const desk = new Desk();
  await desk.run(ledgerOperations.seed, {
    first: 0,
    count: ledgerEntriesMax + 1,
    generation: "g1",
    available: 1,
    details: null,
  });
  for (const protocol of protocols) {
    const entries = Array.from({ length: ledgerEntriesMax + 1 }, (_, index) => [String(index), 1] as const);
    const over = commandsIn(desk.clock, protocol, { txId: `${protocol}:over:1`, payload: taking(...entries) });
    assert.deepEqual(await desk.apply(over.vote), refused("invalid_payload"));
    const payload = taking(...entries.slice(1));
    const full = commandsIn(desk.clock, protocol, { txId: `${protocol}:full:1`, payload });
    assert.deepEqual(await desk.apply(full.vote), yesOf(protocol));
    assert.equal((await desk.run(ledgerOperations.totals, undefined)).available, 1);
    assert.deepEqual(await desk.apply(full.backward), tombstoneOf(protocol));
    assert.equal((await desk.run(ledgerOperations.totals, undefined)).available, ledgerEntriesMax + 1);
  }
});

test("S2 a yes vote remembers the generation of every account that it took from", async () => {
  const desk = await Desk.with(["a", "b"]);
  const payload = taking(["b", 1], ["a", 1], ["b", 1]);
  for (const verb of ["prepare", "execute", "commit"] as const) {
    const protocol = verb === "execute" ? "saga" : "2pc";
    const { vote, forward } = commandsIn(desk.clock, protocol, { txId: `${verb}:life1:1`, payload });
    assert.equal((await desk.apply(verb === "commit" ? forward : vote)).kind, "done");
    const record = await desk.run(branchOperations.readBranch, { txId: `${verb}:life1:1`, branchId: "stock/0" });
    assert.deepEqual(record?.memo, { a: "first a", b: "first b" }, verb);
  }
});

test("S2 an account may be called anything, also what every object has", async () => {
  const names = ["__proto__", "constructor", "toString", "a/b", "é", " "];
  const desk = await Desk.with(names);
  for (const protocol of protocols) {
    for (const end of ["forward", "backward"] as const) {
      const payload = taking(...names.map((name) => [name, 2] as const));
      const commands = commandsIn(desk.clock, protocol, { txId: `${protocol}:${end}:1`, payload });
      assert.deepEqual(await desk.apply(commands.vote), yesOf(protocol));
      assert.equal((await desk.apply(commands[end])).kind, "done");
    }
  }
  for (const name of names) assert.deepEqual(await desk.parts(name), { available: 6, held: 0, spent: 4 }, name);
});

test("P9 a commit of a lost vote takes from all of its accounts or from none, and says why", async () => {
  const desk = await Desk.with(["a", "b"]);
  const apply = (who: string, payload: Json): Promise<Answer> =>
    desk.apply(commandsIn(desk.clock, "2pc", { txId: `${who}:life1:1`, payload }).forward);
  assert.deepEqual(await apply("1", taking(["a", 4], ["b", 11])), { kind: "hazard", reason: "sold_out" });
  assert.deepEqual(await apply("2", taking(["a", 4], ["nobody", 1])), { kind: "hazard", reason: "no_such_item" });
  assert.deepEqual(await apply("3", { entries: [] }), { kind: "hazard", reason: "invalid_payload" });
  assert.deepEqual(await desk.parts("a"), { available: 10, held: 0, spent: 0 });
  assert.equal((await apply("4", taking(["a", 4], ["b", 10]))).kind, "done");
  assert.deepEqual(await desk.parts("a"), { available: 6, held: 0, spent: 4 });
  assert.deepEqual(await desk.parts("b"), { available: 0, held: 0, spent: 10 });
});

test("P9 a commit of a lost vote takes nothing that others hold, and waits in no line", async () => {
  const desk = await Desk.with(["a"]);
  await desk.wants("holder", ["a", 7]).prepare();
  assert.deepEqual(await desk.wants("waiting", ["a", 5]).prepare(), contended);
  assert.deepEqual(await desk.wants("lost", ["a", 4]).commit(), { kind: "hazard", reason: "sold_out" });
  assert.deepEqual(await desk.wants("lost", ["a", 3]).commit(), { kind: "done", state: "committed" });
  assert.deepEqual(await desk.parts("a"), { available: 0, held: 7, spent: 3 });
});

test("S2 what was taken of an account before it was seeded twice is owed to none of its lives", async () => {
  const desk = new Desk();
  const seed = (generation: string) =>
    desk.run(ledgerOperations.seed, { first: 0, count: 1, generation, available: 10, details: null });
  for (const end of ["forward", "backward"] as const) {
    await seed(`${end} 1`);
    const branches = protocols.map((protocol) =>
      commandsIn(desk.clock, protocol, { txId: `${protocol}:${end}:1`, payload: taking(["0", 3]) }),
    );
    for (const { vote } of branches) await desk.apply(vote);
    await seed(`${end} 2`);
    const own = desk.wants(`own ${end}`, ["0", 3]);
    await own.prepare();
    await seed(`${end} 3`);
    for (const branch of branches) assert.equal((await desk.apply(branch[end])).kind, "done");
    assert.equal((await own.abort()).kind, "done");
    assert.deepEqual(await desk.parts("0"), { available: 10, held: 0, spent: 0 }, end);
  }
});

test("P10 a branch that waits for one of its accounts has its turn on all of them", async () => {
  const desk = await Desk.with(["a", "b"]);
  const [holder, both, late] = [
    desk.wants("holder", ["a", 10]),
    desk.wants("both", ["a", 1], ["b", 8]),
    desk.wants("late", ["b", 3]),
  ];
  await holder.prepare();
  assert.deepEqual(await both.prepare(), contended);
  assert.deepEqual(await desk.wants("small", ["b", 2]).prepare(), yesOf("2pc"));
  assert.deepEqual(await late.prepare(), contended, "all 8 that are left are spoken for");
  await holder.abort();
  assert.deepEqual(await both.prepare(), yesOf("2pc"));
  assert.deepEqual(await desk.parts("b"), { available: 0, held: 10, spent: 0 });
});

test("P10 of two who want the same two accounts of two ledgers, the first gets both", async () => {
  const clock = new TestClock();
  const [stock, money] = [await Desk.with(["hot"], clock), await Desk.with(["hot"], clock)];
  const holders = [stock, money].map((desk) => desk.wants("holder", ["hot", 10]));
  for (const holder of holders) await holder.prepare();
  const [first, second] = ["first", "second"].map((who) =>
    [stock, money].map((desk) => desk.wants(who, ["hot", 10]).prepare),
  );
  assert.ok(first !== undefined && second !== undefined);
  for (const prepare of [...first, ...second]) assert.deepEqual(await prepare(), contended);
  for (const holder of holders) await holder.abort();
  // The one asks at the stock first, the other at the money: without the line each would hold one of the two.
  clock.advance(waitingForgottenMs);
  const answers = [await first[0]?.(), await second[1]?.(), await second[0]?.(), await first[1]?.()];
  assert.deepEqual(answers, [yesOf("2pc"), contended, contended, yesOf("2pc")]);
});

test("P10 a branch that is finally refused leaves the line, on all of its accounts", async () => {
  const desk = await Desk.with(["a", "b"]);
  const [holder, both] = [desk.wants("holder", ["a", 7]), desk.wants("both", ["b", 9], ["a", 5])];
  await holder.prepare();
  assert.deepEqual(await both.prepare(), contended);
  assert.deepEqual(await desk.wants("other", ["b", 2]).prepare(), contended);
  await holder.commit();
  assert.deepEqual(await both.prepare(), refused("sold_out"));
  assert.deepEqual(await desk.wants("next", ["b", 8]).prepare(), yesOf("2pc"), "2 are waited for, not 11");
});

test("P10 a served branch leaves the line, and does not wait for itself", async () => {
  const desk = await Desk.with(["a"]);
  const [holder, first, second] = [
    desk.wants("holder", ["a", 10]),
    desk.wants("first", ["a", 5]),
    desk.wants("second", ["a", 5]),
  ];
  await holder.prepare();
  for (const waiting of [first, second, first]) assert.deepEqual(await waiting.prepare(), contended);
  await holder.abort();
  assert.deepEqual(await first.prepare(), yesOf("2pc"));
  assert.deepEqual(await second.prepare(), yesOf("2pc"), "what the first waited for it has");
});
