// Limits and refusals: size, memory, undeclared tables.
import { keyedOperations } from "@assent/conformance";
import { ledgerOperations, type LedgerTotals } from "assent/ledger";
import { operation, type ScanRange, table } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { bindOperations, compareKeys, probeOperations, type StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { scannedNamed, tableNamed } from "../test-kit/named-tables.ts";
import { TestServer } from "../test-kit/redis-server.ts";
import { redisConnect } from "./redis-client-port.ts";
import type { RedisExecutor } from "./redis-executor.ts";
import { recordsPerStepMax } from "./redis-limits.ts";

const server = await TestServer.start();
after(() => server.stop());

/** Steps at the size limit take as long as this machine needs. */
const connect = redisConnect({ url: server.url, replyMs: 120_000 });

const records = table<number>("records", "records");
const ordered = table<number>("ordered", "ordered");

const operations = {
  ...probeOperations,
  put: operation("put", (tables, { name, key, value }: { name: string; key: string; value: Json }): null => {
    tables.put(tableNamed(name), key, value);
    return null;
  }),
  get: operation(
    "get",
    (tables, { name, key }: { name: string; key: string }): Json => tables.get(tableNamed(name), key) ?? null,
  ),
  add: operation("add", (tables, { key }: { key: string }): number => {
    const sum = (tables.get(records, key) ?? 0) + 1;
    tables.put(records, key, sum);
    return sum;
  }),
  fill: operation("fill", (tables, { count }: { count: number }): null => {
    for (let index = 0; index < count; index += 1) tables.put(ordered, String(index), index);
    return null;
  }),
  scan: operation("scan", (tables, { name, range }: { name: string; range: ScanRange }): readonly string[] =>
    tables.scan(scannedNamed(name), range).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ),
  /** Scans a table of records. */
  misuse: operation("misuse", (tables): null => {
    tables.put(table<number>("records", "ordered"), "x", 2);
    return null;
  }),
  /** Reads page after page. */
  count: operation("count", (tables, { page }: { page: number }): number => {
    let sum = 0;
    let from: string | undefined;
    for (;;) {
      const rows = tables.scan(ordered, { ...(from !== undefined && { after: from }), limit: page });
      sum += rows.length;
      from = rows.at(-1)?.[0];
      if (rows.length < page) return sum;
    }
  }),
};

type Store = RedisExecutor;

const open = (cachedRecordsMax?: number): Promise<Store> =>
  server.open({
    prefix: server.prefix(),
    connect,
    operations: bindOperations(operations, {}),
    ...(cachedRecordsMax !== undefined && { cachedRecordsMax }),
  });

test("S2 100,000 accounts are seeded in chunks, and counted", async () => {
  const store = await server.open({ prefix: server.prefix(), connect, operations: keyedOperations() });
  for (let first = 0; first < 100_000; first += 20_000) {
    await store.run(ledgerOperations.seed, { first, count: 20_000, generation: "g", available: 7, details: null });
  }
  assert.ok(store.counts.rounds < 100, `${store.counts.rounds} rounds`);
  const totals: LedgerTotals = await store.run(ledgerOperations.totals, undefined);
  assert.deepEqual([totals.accounts, totals.deposited], [100_000, 700_000]);
  await store.close();
});

test("100,000 concurrent steps are answered in a few rounds, in order", async () => {
  const store = await open();
  const sums = await Promise.all(
    Array.from({ length: 100_000 }, (_, index) => store.run(operations.add, { key: String(index % 50_000) })),
  );
  assert.equal(sums.filter((sum) => sum === 2).length, 50_000, "in the order in which they were asked for");
  assert.ok(store.counts.rounds < 100, `${store.counts.rounds} rounds`);
  await store.close();
});

test("R6 a step that reads many pages delays no other step", async () => {
  const store = await open();
  await store.run(operations.fill, { count: 5_000 });
  const ended: string[] = [];
  const counting = store.run(operations.count, { page: 100 }).then((count) => ended.push(`count ${count}`));
  for (let turn = 0; turn < 5; turn += 1)
    await store.run(operations.add, { key: "x" }).then((sum) => ended.push(`add ${sum}`));
  await counting;
  assert.deepEqual(ended, ["add 1", "add 2", "add 3", "add 4", "add 5", "count 5000"]);
  await store.close();
});

test("a step that touches too many records is refused, and changes nothing", async () => {
  const store = await open();
  const calls = [
    store.run(operations.fill, { count: recordsPerStepMax + 1 }).catch((error: unknown) => error),
    store.run(operations.add, { key: "x" }),
  ];
  const [refusal, sum] = await Promise.all(calls);
  assert.match(String(refusal), /split it/);
  assert.equal(sum, 1);
  assert.deepEqual(await store.run(operations.scan, { name: "ordered", range: { limit: 1 } }), []);
  await store.run(operations.fill, { count: recordsPerStepMax });
  assert.equal(await store.run(operations.count, { page: 50_000 }), recordsPerStepMax);
  await store.close();
});

test("the cache of a process is bounded; dropped records are read again", async () => {
  const store = await open(4);
  const keys = Array.from({ length: 200 }, (_, index) => String(index));
  for (let turn = 1; turn <= 3; turn += 1) {
    for (const key of keys.slice(0, 20)) assert.equal(await store.run(operations.add, { key }), turn);
    assert.deepEqual(
      await Promise.all(keys.slice(20).map((key) => store.run(operations.add, { key }))),
      keys.slice(20).map(() => turn),
    );
  }
  await store.close();
});

test("a table is scanned and written as declared", async () => {
  const store = await open();
  const put = (name: string, key: string, value: Json): Promise<null> =>
    store.run(operations.put, { name, key, value });
  const scan = (name: string, range: ScanRange): Promise<readonly string[]> =>
    store.run(operations.scan, { name, range });
  const keys = ["b", "a", "", "ab", "c", "a b", "[", "\uffff", "\u{10000}"];
  for (const key of keys) {
    await put("ordered", key, { key });
    await put("index", key, null);
  }
  const sorted = keys.toSorted(compareKeys);
  assert.deepEqual(
    await scan("index", { limit: 99 }),
    sorted.map((key) => `${key}=null`),
  );
  assert.deepEqual(await scan("ordered", { after: "a", before: "c", limit: 2 }), [
    'a b={"key":"a b"}',
    'ab={"key":"ab"}',
  ]);
  assert.equal(await store.run(operations.get, { name: "index", key: "ab" }), null);
  await assert.rejects(put("index", "x", 1), /has keys only/);
  await assert.rejects(scan("records", { limit: 1 }), /not declared as scanned/);
  await store.close();
});

test("two definitions of a table that differ in its kind are refused, and change nothing", async () => {
  const store = await open();
  await store.run(operations.put, { name: "records", key: "x", value: 1 });
  await assert.rejects(store.run(operations.misuse, undefined), { code: "step_failed", changed: "nothing" });
  await assert.rejects(store.run(operations.misuse, undefined), /table records is defined as records and as ordered/);
  assert.equal(await store.run(operations.get, { name: "records", key: "x" }), 1);
  await store.close();
});

test("a full server refuses writes, changes nothing, and continues to answer reads", async () => {
  const store = await open();
  const admin = await server.connect();
  await store.run(operations.put, { name: "records", key: "x", value: 1 });
  await admin.send([["CONFIG", "SET", "maxmemory", "1"]]);
  await assert.rejects(store.run(operations.put, { name: "records", key: "x", value: 2 }), {
    code: "store_full",
    changed: "nothing",
  });
  assert.equal(await store.run(operations.get, { name: "records", key: "x" }), 1);
  const { rounds } = store.counts;
  await assert.rejects(store.run(probeOperations.probe, null), { code: "store_full" });
  assert.ok(store.counts.rounds > rounds, "the server was asked");
  const together = await Promise.allSettled([
    store.run(operations.put, { name: "records", key: "y", value: 2 }),
    store.run(operations.get, { name: "records", key: "x" }),
    store.run(operations.scan, { name: "ordered", range: { limit: 1 } }),
    store.run(operations.get, { name: "records", key: "y" }),
  ]);
  assert.deepEqual(
    together.map((each) => (each.status === "fulfilled" ? each.value : (each.reason as StoreFailure).code)),
    ["store_full", 1, [], "store_full"],
    "in one round with a write, a read is refused only if it saw that write",
  );
  await admin.send([["CONFIG", "SET", "maxmemory", "0"]]);
  await store.run(probeOperations.probe, null);
  const afterProbe = store.counts.rounds;
  await store.run(probeOperations.probe, null);
  assert.equal(store.counts.rounds, afterProbe, "no further test write after a successful write");
  await store.run(operations.put, { name: "records", key: "x", value: 3 });
  assert.equal(await store.run(operations.get, { name: "records", key: "x" }), 3);
  admin.close();
  await store.close();
});

test("C4 a server that refuses to write has changed nothing", async () => {
  const store = await open();
  const admin = await server.connect();
  await store.run(operations.put, { name: "records", key: "x", value: 1 });
  await admin.send([["CONFIG", "SET", "min-replicas-to-write", "1"]]);
  await assert.rejects(store.run(operations.put, { name: "records", key: "x", value: 2 }), {
    code: "step_failed",
    message: /NOREPLICAS/,
  });
  await admin.send([["CONFIG", "SET", "min-replicas-to-write", "0"]]);
  assert.equal(await store.run(operations.get, { name: "records", key: "x" }), 1);
  admin.close();
  await store.close();
});

test("a server that fails in the middle of the script leaves its outcome unknown", async () => {
  const store = await open();
  const admin = await server.connect();
  const prefix = `store-${Number(server.prefix().slice(6)) - 1}`;
  await admin.send([["SET", `{${prefix}}:ordered/keys`, "not a sorted set"]]);
  await assert.rejects(store.run(operations.fill, { count: 2 }), { code: "store_broken", changed: "unknown" });
  assert.equal(await store.run(operations.add, { key: "x" }), 1);
  admin.close();
  await store.close();
});
