// The durability of a store on servers with various settings; and replicas that do not acknowledge.
import { type AnyOperation, operation, table } from "assent/internal/ports";
import { bindOperations, type Durability } from "assent/internal/engine";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { TestServer } from "../test-kit/redis-server.ts";
import type { RedisExecutor } from "./redis-executor.ts";
import type { RedisCommand, RedisConnect } from "./redis-port.ts";
import type { UnsuitableServer } from "./server-probe.ts";

const a = table<number>("a", "records");

const operations = {
  add: operation("add", (tables): number => {
    const sum = (tables.get(a, "sum") ?? 0) + 1;
    tables.put(a, "sum", sum);
    return sum;
  }),
  get: operation("get", (tables): number => tables.get(a, "sum") ?? 0),
};

type Store = RedisExecutor;

const open = (
  server: TestServer,
  options: { replicas?: number; connect?: RedisConnect; unreachableMaxMs?: number } = {},
): Promise<Store> => server.open({ prefix: "store", operations: bindOperations(operations, {}), ...options });

const unknown = { code: "store_broken", changed: "unknown" };

const deadlineMs = 60_000;

/** Replicas get a copy at once. */
const replicated = {
  appendfsync: "always" as const,
  settings: ["repl-diskless-sync-delay 0", "min-replicas-to-write 1"],
};

/** A step once replicas follow and answer: until then it waits, and may be reported as unknown. */
async function acknowledged(store: Store, operation: AnyOperation<unknown, number>): Promise<number> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await store.run(operation, undefined);
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!holds()) {
    assert.ok(performance.now() < giveUpAt, `not within ${deadlineMs} ms: ${what}`);
    await delay(10);
  }
}

/** Resolves with the problem of a store's server, once it is detected. */
async function problemOf(store: Store): Promise<UnsuitableServer | undefined> {
  await until(() => store.server.problem !== undefined, "the server is checked");
  return store.server.problem;
}

async function withServer(
  options: Parameters<typeof TestServer.start>[0],
  work: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await TestServer.start(options);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

test("the durability follows from the server's settings", async () => {
  const expected: readonly (readonly ["always" | "everysec" | undefined, Durability])[] = [
    [undefined, "D0"],
    ["everysec", "D0"],
    ["always", "D1"],
  ];
  for (const [appendfsync, durability] of expected) {
    await withServer(appendfsync === undefined ? {} : { appendfsync }, async (server) => {
      const store = await open(server);
      assert.equal(store.durability, durability);
      await store.close();
    });
  }
});

test("C3 a server with weaker settings is not used once that is detected, until they are restored", () =>
  withServer({ appendfsync: "always" }, async (server) => {
    const store = await open(server, { unreachableMaxMs: 300 });
    const idle = await open(server);
    const admin = await server.connect();
    const changes: readonly (readonly [set: RedisCommand, back: RedisCommand, why: RegExp])[] = [
      [["appendfsync", "no"], ["appendfsync", "always"], /provides D0/],
      [["appendonly", "no"], ["appendonly", "yes"], /provides D0/],
      [
        ["maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"],
        ["maxmemory", "0", "maxmemory-policy", "noeviction"],
        /evicts/,
      ],
    ];
    for (const [set, back, why] of changes) {
      await store.run(operations.add, undefined);
      await admin.send([["CONFIG", "SET", ...set]]);
      // A store without traffic detects it, too: no connection ends, and no step fails.
      for (const problem of [await problemOf(store), await problemOf(idle)]) {
        assert.equal(problem?.code, "unsuitable_server");
        assert.match(problem?.message ?? "", why);
      }
      await assert.rejects(store.run(operations.add, undefined), {
        code: "step_failed",
        changed: "nothing",
        message: why,
      });
      await admin.send([["CONFIG", "SET", ...back]]);
      await until(() => store.server.problem === undefined && idle.server.problem === undefined, "both use it again");
    }
    admin.close();
    const sum = await store.run(operations.add, undefined);
    assert.equal(sum, changes.length + 1, "refused steps were not executed");
    await idle.close();
    await store.close();
  }));

test("D2 a server whose min-replicas-to-write is lowered at run time is not used until it is restored", () =>
  withServer(replicated, (first) =>
    withServer({ settings: [`replicaof 127.0.0.1 ${first.process.port}`] }, async () => {
      const store = await open(first, { replicas: 1, unreachableMaxMs: 300 });
      const sum = await acknowledged(store, operations.add);
      const admin = await first.connect();
      await admin.send([["CONFIG", "SET", "min-replicas-to-write", "0"]]);
      assert.match((await problemOf(store))?.message ?? "", /min-replicas-to-write is 0/);
      await assert.rejects(store.run(operations.add, undefined), { changed: "nothing" });
      await admin.send([["CONFIG", "SET", "min-replicas-to-write", "1"]]);
      assert.equal(await acknowledged(store, operations.add), sum + 1);
      admin.close();
      await store.close();
    }),
  ));

test("a server that cannot provide the durability is refused at once", async () => {
  await withServer({ settings: ["maxmemory 100mb", "maxmemory-policy allkeys-lru"] }, (server) =>
    assert.rejects(open(server), { code: "unsuitable_server", message: /evicts/ }),
  );
  await withServer({ settings: ['rename-command WAIT ""'] }, async (server) => {
    await assert.rejects(open(server, { replicas: 1 }), { code: "unsuitable_server", message: /WAIT/ });
    await (await open(server)).close();
  });
  await withServer({ appendfsync: "always" }, (server) =>
    assert.rejects(open(server, { replicas: 1 }), { code: "unsuitable_server", message: /min-replicas-to-write is 0/ }),
  );
  await withServer({ ...replicated, appendfsync: "everysec" }, (server) =>
    assert.rejects(open(server, { replicas: 1 }), { code: "unsuitable_server", message: /appendfsync always/ }),
  );
  await withServer({}, (first) =>
    withServer({ settings: [`replicaof 127.0.0.1 ${first.process.port}`] }, (replica) =>
      assert.rejects(open(replica), { code: "unsuitable_server", message: /replica/ }),
    ),
  );
});

test("the memory limit of a server is known", () =>
  withServer({ memoryBytesMax: 104_857_600 }, async (server) => {
    const store = await open(server);
    assert.equal(store.server.memoryBytesMax, 104_857_600);
    await store.close();
  }));

test("a missing server is reported as unreachable", () =>
  withServer({}, async (server) => {
    await server.process.stop();
    await assert.rejects(open(server), { code: "server_unreachable" });
  }));

test("C3 M4 D2: without its replica no step is acknowledged, and no read; with it they are", () =>
  withServer(replicated, (first) =>
    withServer({ settings: [`replicaof 127.0.0.1 ${first.process.port}`] }, async (replica) => {
      const connect = first.connect;
      const store = await open(first, { replicas: 1, connect });
      assert.equal(store.durability, "D2");
      // The replica may not follow yet: until it does, the server refuses writes, and the step waits.
      const sum = await acknowledged(store, operations.add);
      const admin = await connect();
      await admin.send([["DEL", "{store}/touched"]]);
      assert.equal(await acknowledged(store, operations.get), sum);
      assert.deepEqual(await admin.send([["EXISTS", "{store}/touched"]]), [1], "a read writes, so that WAIT covers it");
      admin.close();

      replica.process.pause();
      await assert.rejects(store.run(operations.get, undefined), unknown);
      await assert.rejects(store.run(operations.add, undefined), unknown);
      await assert.rejects(store.run(operations.get, undefined), unknown);
      replica.process.resume();
      // It was written earlier, and is acknowledged now.
      assert.equal(await acknowledged(store, operations.get), sum + 1);
      await store.close();
    }),
  ));

test("M4 D2: fewer replicas than required is unknown", async () => {
  const settings = ["repl-diskless-sync-delay 0", "min-replicas-to-write 2"];
  await withServer({ appendfsync: "always", settings }, async (first) => {
    const following = { settings: [`replicaof 127.0.0.1 ${first.process.port}`] };
    await withServer(following, () =>
      withServer(following, async (second) => {
        const store = await open(first, { replicas: 2 });
        await acknowledged(store, operations.add);
        second.process.pause();
        await assert.rejects(store.run(operations.add, undefined), unknown);
        second.process.resume();
        await store.close();
      }),
    );
  });
});
