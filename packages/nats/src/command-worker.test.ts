// The serving side alone, without a broker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CommandWorker } from "./command-worker.ts";
import { defaultNatsLimits } from "./limits.ts";

/** Bytes in use after garbage collection. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

test("a worker that is always busy retains nothing of finished messages", async () => {
  const limits = { ...defaultNatsLimits, concurrentMessagesMax: 1 };
  const message = new Uint8Array(1);
  const worker = new CommandWorker({ endpoint: async () => message, limits, onFailure: () => undefined });
  const enough = Promise.withResolvers<void>();
  const messages = 50_000;
  let done = 0;
  const take = (): void => worker.take({ message, isAsked: false, done: next });
  const next = (): void => {
    done += 1;
    if (done < messages) take();
    else enough.resolve();
  };
  const before = heapUsed();
  // One more than it can handle at once: the next one is always waiting.
  take();
  take();
  await enough.promise;
  const grown = heapUsed() - before;
  assert.ok(grown < 100 * messages, `it has grown by ${grown} bytes over ${messages} messages`);
});
