// A command that no caller waits for travels with one that a caller waits for.
import { TestClock, turn } from "@assent/conformance";
import { type Command, decoded, decodeCommands, encodeAnswers, type Verb } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryTransport } from "./memory-transport.ts";

const companyWaitMs = 20;

function command(verb: Verb): Command {
  const base = { txId: "k:life:1", branchId: "a/0", protocol: "2pc", epoch: 1, begunAt: 1 } as const;
  return verb === "prepare" ? { ...base, verb, payload: null, origin: "o" } : { ...base, verb, payload: null };
}

test("a command that may wait leaves with one that may not, before it, or when its wait is over", async () => {
  const clock = new TestClock();
  const messages: (readonly Verb[])[] = [];
  const transport = new MemoryTransport({
    endpoints: {
      async stock(message) {
        const commands = decodeCommands(message).map(decoded);
        messages.push(commands.map(({ verb }) => verb));
        return encodeAnswers(commands.map(() => ({ kind: "done", state: "committed" })));
      },
    },
    clock,
    schedule: (callback) => void turn().then(callback),
    companyWaitMs,
  });
  const send = (verb: Verb, mayWait: boolean): Promise<unknown> =>
    transport.send({ service: "stock", partition: "0" }, command(verb), { waitMs: 1_000, tryForMs: 1_000, mayWait });
  const committed = send("commit", true);
  await turn();
  await turn();
  assert.deepEqual(messages, []);
  await Promise.all([committed, send("prepare", false)]);
  assert.deepEqual(messages, [["commit", "prepare"]]);
  const alone = send("commit", true);
  clock.advance(companyWaitMs);
  assert.deepEqual(await alone, { kind: "done", state: "committed" });
  const drained = send("commit", true);
  transport.drain();
  assert.deepEqual(await drained, { kind: "done", state: "committed" });
  assert.deepEqual(messages.slice(1), [["commit"], ["commit"]]);
});
