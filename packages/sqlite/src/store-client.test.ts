import { operation } from "assent/internal/ports";
import { StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { counterOperations } from "../test-kit/counter-thread.ts";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import { StoreClient, youngGenerationMegabytes } from "./store-client.ts";

/** The thread does not have it. */
const missing = operation("missing", (_tables, _input: { by: number }) => null);

const folder = new TemporaryFolder();
const started: Started[] = [];
after(async () => {
  // Most are closed already, or cannot be.
  await Promise.allSettled(started.map(({ client }) => client.close()));
  folder.remove();
  for (const { failures } of started)
    assert.ok(failures.length <= 1, `reported ${failures.length} times: ${failures.join()}`);
});

interface Started {
  readonly client: StoreClient;
  /** Resolves with the error reported when the thread ends on its own. */
  readonly failed: Promise<Error>;
  readonly failures: readonly Error[];
}

function start(path: string): Started {
  const failures: Error[] = [];
  const reported = Promise.withResolvers<Error>();
  const client = new StoreClient({
    module: new URL("../test-kit/counter-thread.ts", import.meta.url),
    workerData: { path },
    onFailed(error) {
      failures.push(error);
      reported.resolve(error);
    },
  });
  const one = { client, failed: reported.promise, failures };
  started.push(one);
  return one;
}

/** The code and the knowledge that a call was rejected with. */
async function failureOf(call: Promise<unknown>): Promise<Pick<StoreFailure, "code" | "changed">> {
  const error = await call.then(
    (result) => assert.fail(`it was answered ${JSON.stringify(result)}`),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof StoreFailure, String(error));
  return { code: error.code, changed: error.changed };
}

/** The file of a thread that has failed. The end of the thread closes it, a moment after the failure is reported. */
async function reopened(path: string): Promise<SqliteEngine> {
  for (const deadline = performance.now() + 60_000; ;) {
    try {
      return new SqliteEngine(path);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(10);
    }
  }
}

const stepFailed = { code: "step_failed", changed: "nothing" };
const storeBroken = { code: "store_broken", changed: "unknown" };

test("M4 calls of one turn are done in order, each with its own outcome", async () => {
  const { client, failures } = start(folder.file());
  const calls = [1, 2, 0, 3].map((by) =>
    by === 0 ? client.run(counterOperations.fail, undefined) : client.run(counterOperations.add, { by }),
  );
  const [one, three, failed, six] = calls;
  assert.deepEqual(await Promise.all([one, three, six]), [1, 3, 6]);
  assert.deepEqual(await failureOf(failed ?? Promise.resolve()), stepFailed);
  assert.deepEqual(await failureOf(client.run(missing, { by: 1 })), stepFailed);
  await client.close();
  assert.deepEqual(failures, []);
});

test("C3 an operation that no caller waits for goes with the next one, before it, and with a close", async () => {
  const path = folder.file();
  const client = new StoreClient({
    module: new URL("../test-kit/counter-thread.ts", import.meta.url),
    workerData: { path },
    // Longer than any test: a held operation never leaves by itself.
    unwaitedFor: { operations: [counterOperations.addLater], companyWaitMs: 600_000 },
    onFailed: (error) => assert.fail(error),
  });
  let isHeard = false;
  const later = client.run(counterOperations.addLater, { by: 1 }).finally(() => {
    isHeard = true;
  });
  // Three turns of the thread: an operation that had left with its own turn would have been answered by now.
  for (const by of [10, 0, 0]) assert.deepEqual(await client.send("add", Uint8Array.of(by)), Uint8Array.of(10));
  assert.equal(isHeard, false);
  assert.equal(await client.run(counterOperations.add, { by: 100 }), 111);
  assert.equal(await later, 11);
  const last = client.run(counterOperations.addLater, { by: 1 });
  await client.close();
  assert.equal(await last, 112);
});

test("S4 at most once holds across threads and threads that come after", async () => {
  const path = folder.file();
  const once = { key: "request-1", fingerprint: 7 };
  const first = start(path).client;
  const [result, repeat] = await Promise.all([
    first.runOnce(once, counterOperations.add, { by: 5 }),
    first.runOnce(once, counterOperations.add, { by: 5 }),
  ]);
  assert.deepEqual(result, { kind: "done", result: 5, repeated: false });
  assert.deepEqual(repeat, { kind: "done", result: 5, repeated: true });
  await first.close();
  const second = start(path).client;
  assert.deepEqual(await second.runOnce(once, counterOperations.add, { by: 5 }), {
    kind: "done",
    result: 5,
    repeated: true,
  });
  assert.deepEqual(await second.runOnce({ ...once, fingerprint: 8 }, counterOperations.add, { by: 5 }), {
    kind: "mismatch",
  });
  assert.equal(await second.run(counterOperations.add, { by: 0 }), 5);
  await second.close();
});

test("C3 closing waits for what was asked for before, and refuses what comes later", async () => {
  const path = folder.file();
  const { client, failures } = start(path);
  const answers = Promise.all(Array.from({ length: 20 }, () => client.run(counterOperations.add, { by: 1 })));
  const closed = client.close();
  assert.deepEqual(await failureOf(client.run(counterOperations.add, { by: 1 })), stepFailed);
  assert.equal((await answers).at(-1), 20);
  await closed;
  assert.deepEqual(failures, [], "closing is no failure");
  const engine = new SqliteEngine(path);
  assert.equal(engine.get("counters", "one"), 20);
  engine.close();
});

test("C2 when a thread ends every call is unknown, and its owner is notified once", async () => {
  const { client, failed, failures } = start(folder.file());
  await client.run(counterOperations.add, { by: 1 });
  const waiting = [client.run(counterOperations.end, undefined), client.run(counterOperations.add, { by: 1 })];
  for (const call of waiting) assert.deepEqual(await failureOf(call), storeBroken);
  assert.match(String(await failed), /ended with code 7/);
  assert.deepEqual(await failureOf(client.run(counterOperations.add, { by: 1 })), storeBroken);
  await assert.rejects(client.send("add", Uint8Array.of(1)), { code: "store_thread_failed" });
  assert.equal(failures.length, 1);
});

test("C3 a commit with an unknown outcome answers no call and ends the thread", async () => {
  const path = folder.file();
  const { client, failed } = start(path);
  assert.equal(await client.run(counterOperations.add, { by: 1 }), 1);
  const calls = [
    client.run(counterOperations.add, { by: 1 }),
    client.run(counterOperations.breakCommit, undefined),
    client.run(counterOperations.add, { by: 1 }),
  ];
  for (const call of calls) assert.deepEqual(await failureOf(call), storeBroken);
  assert.equal(((await failed) as Partial<StoreFailure>).name, "StoreFailure");
  assert.deepEqual(await failureOf(client.run(counterOperations.add, { by: 1 })), storeBroken);
  const engine = await reopened(path);
  assert.equal(engine.get("counters", "one"), 1, "what was acknowledged is there");
  engine.close();
});

test("a file that cannot be opened fails the thread, with what is wrong", async () => {
  const { client, failed } = start(join(folder.path, "no", "such", "folder.db"));
  assert.deepEqual(await failureOf(client.run(counterOperations.add, { by: 1 })), storeBroken);
  assert.match(String(await failed), /unable to open database file/);
});

test("close waits for what channels were asked before it, too", async () => {
  const path = folder.file();
  const { client } = start(path);
  const [answer] = await Promise.all([client.send("add", Uint8Array.of(5)), client.close()]);
  assert.deepEqual(answer, Uint8Array.of(5));
  const reopened = new SqliteEngine(path);
  assert.equal(reopened.get("counters", "one"), 5);
  reopened.close();
});

test("what channels are asked while it closes is unanswered, no error, and reaches no closed file", async () => {
  const path = folder.file();
  const { client, failures } = start(path);
  await client.run(counterOperations.add, { by: 1 });
  const closed = client.close();
  const late = await Promise.all(Array.from({ length: 50 }, () => client.send("add", Uint8Array.of(1))));
  await closed;
  assert.deepEqual(new Set(late), new Set([undefined]));
  assert.equal(await client.send("add", Uint8Array.of(1)), undefined);
  assert.deepEqual(failures, []);
  const reopened = new SqliteEngine(path);
  assert.equal(reopened.get("counters", "one"), 1);
  reopened.close();
});

test("a channel of its own works on the same store; one that is not there fails its call only", async () => {
  const { client, failures } = start(folder.file());
  await client.run(counterOperations.add, { by: 1 });
  assert.deepEqual(await client.send("add", Uint8Array.of(2)), Uint8Array.of(3));
  await assert.rejects(client.send("nothing", Uint8Array.of(2)), /there is no channel nothing/);
  assert.equal(await client.run(counterOperations.add, { by: 1 }), 4);
  await client.close();
  assert.deepEqual(failures, []);
});

test("a store's thread has a bound for its young generation", async () => {
  const { client } = start(folder.file());
  assert.deepEqual(await client.send("youngGeneration", new Uint8Array()), Uint8Array.of(youngGenerationMegabytes));
});
