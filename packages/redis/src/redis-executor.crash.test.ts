// Connections and servers that end during many steps, and scripts that a server has forgotten.
import { operation, table } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { bindOperations, StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { TestServer } from "../test-kit/redis-server.ts";
import { redisConnect } from "./redis-client-port.ts";
import type { RedisExecutor } from "./redis-executor.ts";
import { reconnectPauseMs } from "./redis-limits.ts";
import { RepliesLost, type RedisPort } from "./redis-port.ts";

const server = await TestServer.start({ appendfsync: "always" });
after(() => server.stop());

const pairTables = [table<boolean>("left", "records"), table<boolean>("right", "records")];
const counts = table<number>("counts", "records");
const values = table<Json>("counts", "records");

const operations = {
  /** Writes a pair, and counts it. */
  mark: operation("mark", (tables, { name }: { name: string }): number => {
    for (const each of pairTables) tables.put(each, name, true);
    const count = (tables.get(counts, "all") ?? 0) + 1;
    tables.put(counts, "all", count);
    return count;
  }),
  isMarked: operation("isMarked", (tables, { name }: { name: string }): readonly boolean[] =>
    pairTables.map((each) => tables.get(each, name) === true),
  ),
  count: operation("count", (tables): number => tables.get(counts, "all") ?? 0),
  put: operation("put", (tables, { value }: { value: Json }): Json => {
    tables.put(values, "x", value);
    return value;
  }),
  get: operation("get", (tables): Json => tables.get(values, "x") ?? null),
};

type Store = RedisExecutor;
type Outcome = "done" | "nothing" | "unknown";

/** Marks names, several at a time, until stopped; returns the result of each. */
async function markUntil(store: Store, isOver: () => boolean): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const worker = async (): Promise<void> => {
    while (!isOver()) {
      const name = `n${outcomes.size}`;
      outcomes.set(name, "unknown");
      try {
        await store.run(operations.mark, { name });
        outcomes.set(name, "done");
      } catch (error) {
        assert.ok(error instanceof StoreFailure);
        outcomes.set(name, error.changed);
      }
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return outcomes;
}

/** Resolves when this many more steps have been answered. */
async function answered(store: Store, outcomes: () => number, more: number): Promise<void> {
  const target = outcomes() + more;
  while (outcomes() < target) await store.run(operations.count, undefined).catch(() => undefined);
}

/** Asserts that the result of each name is true; returns how many are present. */
async function assertTrue(store: Store, outcomes: ReadonlyMap<string, Outcome>): Promise<number> {
  let found = 0;
  for (const [name, outcome] of outcomes) {
    const [left, right] = await store.run(operations.isMarked, { name });
    assert.equal(left, right, `${name} is written partially`);
    if (outcome === "done") assert.equal(left, true, `${name} was acknowledged`);
    if (outcome === "nothing") assert.equal(left, false, `${name} was reported as unchanged`);
    if (left === true) found += 1;
  }
  return found;
}

interface Run {
  readonly store: Store;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** Runs steps while the server or the connection is disturbed repeatedly. */
async function runThrough(times: number, happen: () => Promise<unknown>): Promise<Run> {
  const store = await server.open({ prefix: server.prefix(), operations: bindOperations(operations, {}) });
  let over = false;
  const counted = (): number => store.counts.steps;
  const marking = markUntil(store, () => over);
  for (let time = 0; time < times; time += 1) {
    await answered(store, counted, 60 + 17 * time);
    await happen();
  }
  await answered(store, counted, 60);
  over = true;
  return { store, outcomes: await marking };
}

async function assertWhole({ store, outcomes }: Run): Promise<void> {
  const heard = [...outcomes.values()];
  assert.ok(heard.includes("done"));
  const found = await assertTrue(store, outcomes);
  assert.equal(await store.run(operations.count, undefined), found, "each was counted with its pair, once");
}

test("C2 C3 connections killed during many steps: all results are true, and no write is partial", async () => {
  const admin = await redisConnect({ url: server.url })();
  const run = await runThrough(12, () => admin.send([["CLIENT", "KILL", "TYPE", "normal"]]));
  admin.close();
  await assertWhole(run);
  assert.ok([...run.outcomes.values()].includes("unknown"), "some answers were lost");
  await run.store.close();
});

test("C2 C3 a server killed and restarted: acknowledged writes are present, the same process continues", async () => {
  const run = await runThrough(3, async () => {
    await server.process.kill();
    await server.process.restart();
  });
  await assertWhole(run);
  assert.equal(run.store.durability, "D1");
  await run.store.close();
});

test("an unreachable server is reported as unreached, changes nothing, and is used again when it is back", async () => {
  const store = await server.open({ prefix: server.prefix(), operations: bindOperations(operations, {}) });
  await store.run(operations.put, { value: 1 });
  await server.process.stop();
  await assert.rejects(store.run(operations.put, { value: 2 }), { code: "step_failed", changed: "nothing" });
  await server.process.restart();
  assert.equal(await store.run(operations.get, undefined), 1);
  await store.close();
});

test("a step requested while others wait for a server waits no longer than they do", async () => {
  const unreachableMaxMs = 1_000;
  const tried = Promise.withResolvers<void>();
  let tries = 0;
  const connect = async (): Promise<RedisPort> => {
    if (tries > 0) {
      tries += 1;
      if (tries === 5) tried.resolve();
      throw new Error("no server");
    }
    tries += 1;
    return redisConnect({ url: server.url })();
  };
  const store = await server.open({
    prefix: server.prefix(),
    operations: bindOperations(operations, {}),
    connect,
    unreachableMaxMs,
  });
  const admin = await redisConnect({ url: server.url })();
  await admin.send([["CLIENT", "KILL", "TYPE", "normal"]]);
  const first = assert.rejects(store.run(operations.get, undefined), { code: "step_failed" });
  await tried.promise;
  // Counted in tries. They are at least one pause apart, so a slow machine does not make more of them.
  const before = tries;
  await assert.rejects(store.run(operations.get, undefined), { code: "step_failed", changed: "nothing" });
  const triesMax = unreachableMaxMs / reconnectPauseMs + 2;
  assert.ok(tries - before <= triesMax, `it was tried ${tries - before} times`);
  await first;
  admin.close();
  await store.close();
});

test("a server that has forgotten the script gets it again", async () => {
  const store = await server.open({ prefix: server.prefix(), operations: bindOperations(operations, {}) });
  const admin = await redisConnect({ url: server.url })();
  await store.run(operations.put, { value: 1 });
  await admin.send([["SCRIPT", "FLUSH"]]);
  assert.equal(await store.run(operations.put, { value: 2 }), 2);
  assert.equal(await store.run(operations.get, undefined), 2);
  admin.close();
  await store.close();
});

test("C2 a step that was reported as unknown does not happen afterwards", async () => {
  const prefix = server.prefix();
  const connect = redisConnect({ url: server.url, replyMs: 2_000 });
  const [hasty, other] = await Promise.all([
    server.open({ prefix, operations: bindOperations(operations, {}), connect }),
    server.open({ prefix, operations: bindOperations(operations, {}) }),
  ]);
  await hasty.run(operations.put, { value: "before" });
  // The server stalls with the step in its socket until the step is given up.
  server.process.pause();
  const failure = await hasty.run(operations.put, { value: "late" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  server.process.resume();
  assert.ok(failure instanceof StoreFailure && failure.changed === "unknown", String(failure));
  for (let turn = 0; turn < 20; turn += 1) assert.equal(await other.run(operations.get, undefined), "before");
  await Promise.all([hasty.close(), other.close()]);
});

test("C2 a step reported as unknown does not happen afterwards, even if the server's time is uncertain", async () => {
  const prefix = server.prefix();
  const real = await redisConnect({ url: server.url })();
  const reported = Promise.withResolvers<void>();
  let delivered: Promise<unknown> = Promise.resolve();
  // Requests take long to arrive, replies do not: the time in a reply is newer than half way between.
  const connect = async (): Promise<RedisPort> => ({
    isClosed: false,
    close: () => undefined,
    async send(commands) {
      if (!commands.flat().includes("late")) {
        await pause(300);
        return real.send(commands);
      }
      delivered = reported.promise.then(() => real.send(commands));
      throw new RepliesLost(true, {});
    },
  });
  const hasty = await server.open({ prefix, operations: bindOperations(operations, {}), connect });
  const other = await server.open({ prefix, operations: bindOperations(operations, {}) });
  await assert.rejects(hasty.run(operations.mark, { name: "late" }), { changed: "unknown" });
  reported.resolve();
  await delivered;
  assert.deepEqual(await other.run(operations.isMarked, { name: "late" }), [false, false]);
  await Promise.all([hasty.close(), other.close()]);
  real.close();
});
