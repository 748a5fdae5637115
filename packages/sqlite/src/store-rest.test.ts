// A store that has nothing to do moves what it holds in memory to its tables.
import { bindOperations } from "assent/internal/engine";
import { TestClock } from "@assent/conformance";
import { restAfterMs } from "assent/node";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { counterOperations } from "../test-kit/counter-thread.ts";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { PortCalls } from "./port-calls.ts";
import { hostStore } from "./store-host.ts";

const folder = new TemporaryFolder();
after(() => folder.remove());

/** Commits that a store's journal holds, read from a copy as a crash would leave it. */
function journalled(path: string): number {
  const database = new DatabaseSync(folder.crashed(path));
  try {
    return Number(database.prepare("SELECT count(*) AS rows FROM journal").get()?.["rows"]);
  } finally {
    database.close();
  }
}

test("a store at rest moves everything to its tables, and goes on", async (context) => {
  const clock = new TestClock();
  const { port1, port2 } = new MessageChannel();
  context.after(() => port2.close());
  const path = folder.file();
  const { executor } = hostStore({
    port: port1,
    path,
    operations: bindOperations(counterOperations, {}),
    restClock: clock,
  });
  const calls = new PortCalls(port2, {});
  for (let sum = 1; sum <= 3; sum += 1) assert.equal(await executor.run(counterOperations.add, { by: 1 }), sum);
  assert.equal(journalled(path), 3);
  clock.advance(restAfterMs);
  const deadline = performance.now() + 30_000;
  while (journalled(path) > 0) {
    assert.ok(performance.now() < deadline, "it has moved nothing");
    await turn();
  }
  assert.equal(await executor.run(counterOperations.add, { by: 1 }), 4);
  assert.equal(journalled(path), 1);
  await calls.call("close", undefined);
  assert.equal(clock.pending, 0, "a closed store notices nothing");
});
