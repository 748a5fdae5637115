// A master that dies, stalls or is demoted, with real replicas and sentinels.
import { operation, table } from "assent/internal/ports";
import { bindOperations, StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, WatchedServers } from "../test-kit/watched-servers.ts";
import type { RedisExecutor } from "./redis-executor.ts";
import { failoverMaxMs, sentinelReplyMs } from "./redis-limits.ts";
import { redisConnect } from "./redis-client-port.ts";
import { SentinelDirectory } from "./sentinel-directory.ts";

const a = table<number>("a", "records");

const operations = {
  note: operation("note", (tables, { key }: { key: string }): null => {
    tables.put(a, key, 1);
    return null;
  }),
  noted: operation("noted", (tables, { key }: { key: string }): boolean => tables.get(a, key) !== undefined),
};

/** All that may be promoted, or one while no promotion is in progress. */
const replicated = { replicas: 2, replicasLeast: 1, unreachableMaxMs: failoverMaxMs };

type Store = RedisExecutor;

async function withServers(work: (watched: WatchedServers) => Promise<void>): Promise<void> {
  const watched = await WatchedServers.start();
  try {
    await work(watched);
  } finally {
    await watched.stop();
  }
}

interface Written {
  /** Keys that were acknowledged. */
  readonly acknowledged: readonly string[];
  /** Keys that were reported as missing. */
  readonly denied: readonly string[];
}

/** Writes keys for as long as the work takes. */
async function written(store: Store, work: () => Promise<void>): Promise<Written> {
  const acknowledged: string[] = [];
  const denied: string[] = [];
  let stopped = false;
  let next = 0;
  const write = async (): Promise<void> => {
    while (!stopped) {
      const key = `k${(next += 1)}`;
      try {
        await store.run(operations.note, { key });
        acknowledged.push(key);
      } catch (error) {
        assert.ok(error instanceof StoreFailure);
        if (error.changed === "nothing") denied.push(key);
      }
    }
  };
  const writers = [write(), write(), write()];
  try {
    await work();
  } finally {
    stopped = true;
    await Promise.all(writers);
  }
  return { acknowledged, denied };
}

/** Resolves when a key is written and acknowledged: a machine that has just stalled may need several tries. */
const noted = (watched: WatchedServers, store: Store, key: string): Promise<void> =>
  watched.until(() => store.run(operations.note, { key }).then(() => true));

test("D2 a master is killed under load: acknowledged writes are on the new master", () =>
  withServers(async (watched) => {
    const connections = watched.connections();
    const store = await watched.open({
      connect: connections.connect,
      operations: bindOperations(operations, {}),
      ...replicated,
    });
    assert.equal(store.durability, "D2");
    const { acknowledged, denied } = await written(store, async () => {
      await watched.until(() => store.run(operations.noted, { key: "k200" }));
      await watched.servers[0]?.kill();
      await noted(watched, store, "afterwards");
    });
    assert.ok(acknowledged.length >= 100);
    for (const key of acknowledged)
      assert.equal(await store.run(operations.noted, { key }), true, `${key} was acknowledged`);
    for (const key of denied)
      assert.equal(await store.run(operations.noted, { key }), false, `${key} was reported as missing`);

    // The old master comes back, and follows.
    await watched.servers[0]?.restart();
    await watched.until(async () => {
      const followers = await Promise.all([1, 2].map((index) => watched.replicas(index)));
      return Math.max(...followers) === 2;
    });
    const [minimum] = await ask(watched.servers[0], ["CONFIG", "GET", "min-replicas-to-write"]);
    assert.deepEqual(minimum, ["min-replicas-to-write", "1"], "the guard is on every node");
    await noted(watched, store, "with three again");
    await store.close();
    connections.close();
  }));

test("C2 a master that stops answering is replaced, and when it wakes up it is not used", () =>
  withServers(async (watched) => {
    const connections = watched.connections();
    const store = await watched.open({
      connect: connections.connect,
      operations: bindOperations(operations, {}),
      ...replicated,
    });
    await noted(watched, store, "before");
    watched.servers[0]?.pause();
    const lost = assert.rejects(store.run(operations.note, { key: "lost" }), { code: "store_broken" });
    await lost;
    await noted(watched, store, "after");
    watched.servers[0]?.resume();
    // It still considers itself master; nothing is sent to it any more.
    const [role] = await ask(watched.servers[0], ["ROLE"]);
    assert.ok(Array.isArray(role) && role[0] === "master");
    assert.equal(await store.run(operations.noted, { key: "before" }), true);
    assert.equal(await store.run(operations.noted, { key: "after" }), true);
    await store.close();
    connections.close();
  }));

for (const [how, fail] of Object.entries({
  "is replaced by command while it is alive": async (watched: WatchedServers) => {
    assert.deepEqual(await ask(watched.sentinels[1], ["SENTINEL", "FAILOVER", "db"]), ["OK"]);
    await watched.promoted();
  },
  "stalls and wakes up just when another is promoted": async (watched: WatchedServers) => {
    watched.servers[0]?.pause();
    await watched.promoted();
    watched.servers[0]?.resume();
  },
})) {
  test(`D2 a master that ${how} acknowledges nothing that is discarded afterwards`, () =>
    withServers(async (watched) => {
      const connections = watched.connections();
      const store = await watched.open({
        connect: connections.connect,
        operations: bindOperations(operations, {}),
        ...replicated,
      });
      const { acknowledged } = await written(store, async () => {
        await watched.until(() => store.run(operations.noted, { key: "k200" }));
        await fail(watched);
        // Until the remaining replica follows the new master: then its other writes are gone.
        await watched.until(async () => ((await watched.replicas(1)) || (await watched.replicas(2))) > 0);
        await noted(watched, store, "afterwards");
      });
      const lost: string[] = [];
      for (const key of acknowledged) if (!(await store.run(operations.noted, { key }))) lost.push(key);
      assert.deepEqual(lost, []);
      await store.close();
      connections.close();
    }));
}

test("D2 one dead replica stops nothing while every sentinel reports that no promotion is in progress", () =>
  withServers(async (watched) => {
    const connections = watched.connections();
    const store = await watched.open({
      connect: connections.connect,
      operations: bindOperations(operations, {}),
      ...replicated,
    });
    await watched.servers[2]?.kill();
    await noted(watched, store, "with one");
    watched.sentinels[0]?.pause();
    await assert.rejects(store.run(operations.note, { key: "no sentinel" }), {
      code: "store_broken",
      changed: "unknown",
    });
    watched.sentinels[0]?.resume();
    await noted(watched, store, "again");
    await watched.servers[2]?.restart();
    await watched.until(async () => (await watched.replicas(0)) === 2);
    watched.sentinels[0]?.pause();
    await noted(watched, store, "all have it");
    await store.close();
    connections.close();
  }));

test("a hanging sentinel and a dead one delay no process", () =>
  withServers(async (watched) => {
    const [first, second] = watched.sentinels;
    first?.pause();
    await second?.kill();
    const sentinels = watched.sentinels.map(({ port }) =>
      redisConnect({ url: `redis://127.0.0.1:${port}`, connectMs: sentinelReplyMs, replyMs: sentinelReplyMs }),
    );
    const directory = new SentinelDirectory({ sentinels, masterName: "db" });
    // Asked while the one hangs and the other is dead.
    const isKnownBy = (asked: SentinelDirectory): Promise<void> =>
      watched.until(async () => (await asked.master()).port === watched.servers[0]?.port);
    await isKnownBy(directory);
    await watched.sentinels[2]?.kill();
    await assert.rejects(directory.master(), { code: "master_unknown" });
    directory.close();
    const unknown = new SentinelDirectory({ sentinels, masterName: "db" });
    first?.resume();
    await second?.restart();
    // A restarted sentinel knows it.
    await isKnownBy(unknown);
    unknown.close();
    const other = new SentinelDirectory({ sentinels, masterName: "nobody" });
    await assert.rejects(other.master(), { code: "master_unknown", message: /nobody/ });
    other.close();
  }));

test("a single task waits for sentinels that are slow to answer, where a process that serves gives up", () =>
  withServers(async (watched) => {
    for (const sentinel of watched.sentinels) sentinel.pause();
    const [usual, brief] = [watched.connections(), watched.connections({ isBrief: true })];
    const patient = brief.connect();
    patient.catch(() => undefined);
    await assert.rejects(usual.connect(), { code: "master_unknown" });
    for (const sentinel of watched.sentinels) sentinel.resume();
    (await patient).close();
    usual.close();
    brief.close();
  }));
