// M4: an answer that cannot be decoded counts as no answer to its command, and does not affect the others.
import type { Command } from "../protocol/index.ts";
import { systemClock } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryTransport } from "./memory-transport.ts";

const command: Command = {
  txId: "t:1:1",
  branchId: "b/0",
  verb: "forget",
  protocol: "2pc",
  epoch: 1,
  begunAt: 1,
};

test("M4 a bad answer is reported, and the others of its message are delivered", async () => {
  const failures: unknown[] = [];
  const answers = [{ kind: "forgotten" }, { kind: "fenced", epoch: 2 ** 53 }, { kind: "forgotten" }];
  const transport = new MemoryTransport({
    endpoints: { stock: () => Promise.resolve(new TextEncoder().encode(JSON.stringify({ v: 1, answers }))) },
    clock: systemClock,
    schedule: setImmediate,
    onFailure: (_service, error) => failures.push(error),
  });
  const to = { service: "stock", partition: "0" };
  const heard = await Promise.all(answers.map(() => transport.send(to, command, 5_000)));
  assert.deepEqual(heard, [{ kind: "forgotten" }, undefined, { kind: "forgotten" }]);
  assert.equal(failures.length, 1);
});
