// Several executors on one store, as if in several processes: stale cached records must not matter.
import {
  beginRequest,
  commandsOf,
  decided,
  decision,
  type KeyedAdapter,
  keyedAdapter,
  keyedOperations,
  taking,
  TestClock,
} from "@assent/conformance";
import { type Account, ledgerOperations } from "assent/ledger";
import { operation, table } from "assent/internal/ports";
import { defaultLimits, type Json } from "assent/internal/protocol";
import { bindOperations, StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import type { RedisExecutor } from "./redis-executor.ts";

const server = await TestServer.start();
after(() => server.stop());

const a = table<Json>("a", "records");
const list = table("list", "index");

const operations = {
  put: operation("put", (tables, { key, value }: { key: string; value: Json }): Json => {
    tables.put(a, key, value);
    return value;
  }),
  get: operation("get", (tables, { key }: { key: string }): Json => tables.get(a, key) ?? null),
  add: operation("add", (tables, { keys }: { keys: readonly string[] }): number => {
    let last = 0;
    for (const key of keys) {
      last = Number(tables.get(a, key) ?? 0) + 1;
      tables.put(a, key, last);
    }
    return last;
  }),
  list: operation("list", (tables, { name }: { name: string }): null => {
    tables.put(list, name, null);
    return null;
  }),
  /** Removes a name from the list if x is as the caller expects. */
  unlistIf: operation("unlistIf", (tables, { name, value }: { name: string; value: Json }): boolean => {
    if (tables.get(a, "x") !== value) return false;
    tables.delete(list, name);
    return true;
  }),
  listed: operation("listed", (tables): readonly string[] => tables.scan(list, { limit: 10 }).map(([name]) => name)),
  /** Fails unless the record is as the caller expects. */
  insist: operation("insist", (tables, { key, value }: { key: string; value: Json }): null => {
    if (tables.get(a, key) !== value) throw new Error("unexpected value");
    return null;
  }),
};

type Store = RedisExecutor;

async function openStores(count: number): Promise<Store[]> {
  const prefix = server.prefix();
  return Promise.all(
    Array.from({ length: count }, () => server.open({ prefix, operations: bindOperations(operations, {}) })),
  );
}

const closeAll = (stores: readonly { close: () => Promise<void> }[]): Promise<unknown> =>
  Promise.all(stores.map((store) => store.close()));

test("C3 a change by another process is seen, however often the record was read before", async () => {
  const [first, second] = (await openStores(2)) as [Store, Store];
  await first.run(operations.put, { key: "x", value: 1 });
  for (let value = 2; value < 6; value += 1) {
    assert.equal(await second.run(operations.get, { key: "x" }), value - 1);
    assert.equal(await second.run(operations.get, { key: "x" }), value - 1, "again, from the cache");
    await first.run(operations.put, { key: "x", value });
    assert.equal(await second.run(operations.get, { key: "x" }), value);
    assert.equal(await first.run(operations.get, { key: "x" }), value);
  }
  await closeAll([first, second]);
});

test("C4 a step that fails on a stale record is run again", async () => {
  const [first, second] = (await openStores(2)) as [Store, Store];
  await first.run(operations.put, { key: "x", value: "old" });
  await second.run(operations.insist, { key: "x", value: "old" });
  await first.run(operations.put, { key: "x", value: "new" });
  await second.run(operations.insist, { key: "x", value: "new" });
  await assert.rejects(second.run(operations.insist, { key: "x", value: "old" }), { code: "step_failed" });
  await closeAll([first, second]);
});

test("C2 two processes that increment the same records lose no update, and every step ends", async () => {
  const stores = await openStores(2);
  const turns = 40;
  const sums = await Promise.all(
    stores.flatMap((store) =>
      Array.from({ length: 32 }, async (_, worker) => {
        for (let turn = 0; turn < turns; turn += 1) {
          await store.run(operations.add, { keys: ["hot", `own-${worker}`, `shared-${(worker + turn) % 5}`] });
        }
        return turns;
      }),
    ),
  );
  const total = sums.reduce((sum, each) => sum + each, 0);
  for (const store of stores) {
    assert.equal(await store.run(operations.get, { key: "hot" }), total);
    const shared = await Promise.all(
      [0, 1, 2, 3, 4].map((index) => store.run(operations.get, { key: `shared-${index}` })),
    );
    assert.equal(
      shared.reduce<number>((sum, each) => sum + (each as number), 0),
      total,
    );
    assert.equal(await store.run(operations.get, { key: "own-7" }), 2 * turns);
  }
  assert.ok(
    stores.every(({ counts }) => counts.conflicts > 0),
    "there were conflicts",
  );
  await closeAll(stores);
});

test("R6 a process with single steps does not starve beside one with many", async () => {
  const stores = await openStores(4);
  const each = 50;
  await Promise.all(
    stores.map(async (store) => {
      for (let turn = 0; turn < each; turn += 1) await store.run(operations.add, { keys: ["hot"] });
    }),
  );
  assert.equal(await stores[0]?.run(operations.get, { key: "hot" }), each * stores.length);
  await closeAll(stores);
});

test("C4 a conflict delays only the steps that share a record with it", async () => {
  const [first, second] = (await openStores(2)) as [Store, Store];
  await second.run(operations.put, { key: "x", value: 1 });
  await second.run(operations.put, { key: "y", value: 10 });
  await first.run(operations.put, { key: "x", value: 5 });
  const before = { ...second.counts };
  const ended: string[] = [];
  await Promise.all([
    second.run(operations.add, { keys: ["x"] }).then((sum) => ended.push(`x ${sum}`)),
    second.run(operations.add, { keys: ["y"] }).then((sum) => ended.push(`y ${sum}`)),
    second.run(operations.add, { keys: ["y", "z"] }).then((sum) => ended.push(`z ${sum}`)),
    second.run(operations.add, { keys: ["z"] }).then((sum) => ended.push(`z ${sum}`)),
  ]);
  assert.deepEqual(ended, ["y 11", "z 1", "z 2", "x 6"]);
  assert.equal(second.counts.conflicts - before.conflicts, 1);
  assert.equal(second.counts.rounds - before.rounds, 2);
  await second.run(operations.add, { keys: ["y", "z"] });
  assert.equal(second.counts.conflicts - before.conflicts, 1, "it caches its own writes");
  await closeAll([first, second]);
});

test("C3 C4 a scanning step does not see a write of its batch that was not committed", async () => {
  const [first, second] = (await openStores(2)) as [Store, Store];
  await first.run(operations.list, { name: "b" });
  await first.run(operations.put, { key: "x", value: "old" });
  await second.run(operations.get, { key: "x" });
  await first.run(operations.put, { key: "x", value: "new" });
  const [unlisted, listed] = await Promise.all([
    second.run(operations.unlistIf, { name: "b", value: "old" }),
    second.run(operations.listed, undefined),
  ]);
  assert.deepEqual([unlisted, listed], [false, ["b"]]);
  await closeAll([first, second]);
});

test("P4 a key is used once, whichever process is asked, and however many concurrently", async () => {
  const stores = await openStores(2);
  const once = { key: "k", fingerprint: 1 };
  const calls = stores.flatMap((store) => [1, 2, 3].map(() => store.runOnce(once, operations.add, { keys: ["x"] })));
  const results = await Promise.all(calls);
  assert.equal(results.filter((result) => result.kind === "done" && !result.repeated).length, 1);
  assert.ok(results.every((result) => result.kind === "done" && result.result === 1));
  assert.equal(await stores[1]?.run(operations.get, { key: "x" }), 1);
  await closeAll(stores);
});

/** One checkout of an order on the hot account and another one; returns the decision, if it made one. */
async function checkout(
  clock: TestClock,
  { own, other }: { own: KeyedAdapter; other: KeyedAdapter },
  { key, account }: { key: string; account: string },
): Promise<"commit" | "abort" | undefined> {
  const begun = await own.log.begin(beginRequest(clock, { key }));
  if (begun.kind !== "begun") return undefined;
  const { record } = begun;
  const command = commandsOf(clock, { txId: record.txId, payload: taking(["0", 3], [account, 1]) });
  const [vote] = await own.store.apply([command("prepare")]);
  const taken = vote?.kind === "done" ? "commit" : "abort";
  await decided(own, decision(record, taken));
  // The second phase runs in the other process, which knows nothing of the first.
  const [final] = await other.store.apply([command(taken)]);
  assert.equal(final?.kind, "done");
  assert.equal((await own.log.end({ txId: record.txId, owner: record.owner, epoch: record.epoch })).kind, "written");
  return taken;
}

test("S2 S3 C1 checkouts of two processes on one hot account: one each, all end, no money is created", async () => {
  const clock = new TestClock();
  const prefix = server.prefix();
  const stores = await Promise.all(
    [0, 1].map(() => server.open({ prefix, operations: keyedOperations(), now: clock.now })),
  );
  const [first, second] = stores.map((store) => keyedAdapter(store));
  assert.ok(first !== undefined && second !== undefined);
  await first.accounts.seed({ first: 0, count: 4, generation: "g", available: 150, details: null });
  const keys = Array.from({ length: 60 }, (_, index) => `order-${index}`);
  await first.rows.putRows(
    "life1",
    keys.map((key) => [key, { paid: false }]),
  );
  const decisions = await Promise.all(
    [
      { own: first, other: second },
      { own: second, other: first },
    ].map((sides) =>
      Promise.all(keys.map((key, index) => checkout(clock, sides, { key, account: String(1 + (index % 3)) }))),
    ),
  );
  const ended = keys.map((_, index) => decisions.flatMap((each) => each[index] ?? []));
  assert.ok(
    ended.every((each) => each.length === 1),
    "each order is begun once, and decided",
  );
  const committed = ended.flat().filter((each) => each === "commit").length;
  assert.ok(committed > 0 && committed <= 50, `${committed} were paid, there is enough for 50`);
  assert.deepEqual(await second.accounts.totals(), {
    accounts: 4,
    available: 600 - 4 * committed,
    held: 0,
    spent: 4 * committed,
    deposited: 600,
    withdrawn: 0,
  });
  assert.deepEqual(await first.log.owners(undefined, 10), []);
  await closeAll(stores);
});

test("S3 many steps, one account, two processes: exactly the available amount is taken", async () => {
  const prefix = server.prefix();
  const stores = await Promise.all([0, 1].map(() => server.openKeyed(prefix)));
  await stores[0]?.run(ledgerOperations.seed, { first: 0, count: 1, generation: "g", available: 150, details: null });
  const writes = await Promise.all(
    stores.flatMap((store) =>
      Array.from({ length: 100 }, () => store.run(ledgerOperations.withdraw, { accountId: "0", amount: 1 })),
    ),
  );
  assert.equal(writes.filter(({ kind }) => kind === "ok").length, 150);
  const account = (await stores[1]?.run(ledgerOperations.findAccount, { accountId: "0" })) as Account;
  assert.deepEqual([account.available, account.withdrawn], [0, 150]);
  await closeAll(stores);
});

test("R7 a due row is handled by one of two sweeps", async () => {
  const clock = new TestClock();
  const prefix = server.prefix();
  const stores = await Promise.all(
    [0, 1].map(() => server.open({ prefix, operations: keyedOperations(), now: clock.now })),
  );
  const [first, second] = stores.map((store) => keyedAdapter(store));
  assert.ok(first !== undefined && second !== undefined);
  await first.accounts.seed({ first: 0, count: 1, generation: "g", available: 100, details: null });
  const txIds = Array.from({ length: 30 }, (_, index) => `order-${index}:life1:1`);
  await first.store.apply(txIds.map((txId) => commandsOf(clock, { txId, payload: taking(["0", 1]) })("prepare")));
  clock.advance(defaultLimits.askAfterMs + 1);
  const sweeps = await Promise.all([first, second, first, second].map(({ store }) => store.sweep(10)));
  const asked = sweeps.flatMap(({ questions }) => questions.map(({ txId }) => txId));
  assert.deepEqual(asked.toSorted(), txIds.toSorted(), "each branch asks exactly once");
  await closeAll(stores);
});

test("a closing store answers earlier steps and refuses later ones", async () => {
  const [store] = (await openStores(1)) as [Store];
  const calls = [store.run(operations.add, { keys: ["x"] }), store.run(operations.get, { key: "x" })];
  const closed = store.close();
  await assert.rejects(store.run(operations.get, { key: "x" }), StoreFailure);
  assert.deepEqual(await Promise.all(calls), [1, 1]);
  await closed;
});
