// The bus of one process keeps what the port `Transport` promises, and what a bus promises beyond that.
import { transportSuite } from "@assent/conformance";
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../testing/index.ts";
import { silentObserver } from "../ports/index.ts";
import { type Command, decodeCommands, defaultLimits, encodeAnswers, type Question } from "../protocol/index.ts";
import { memoryBus } from "./memory-bus.ts";

transportSuite((clock) => ({
  adapter: {
    async connect(endpoints) {
      const connection = await memoryBus().connect({ clock, observer: silentObserver, limits: defaultLimits });
      for (const [service, endpoint] of Object.entries(endpoints)) await connection.serveCommands(service, endpoint);
      return connection.commands;
    },
  },
  close: () => undefined,
}));

const about = { txId: "k:i:1", branchId: "b/0", protocol: "2pc", epoch: 1, begunAt: 1 } as const;
const forget: Command = { ...about, verb: "forget" };
const to = { service: "stock", partition: "0" };

function connected(bus = memoryBus(), clock = new VirtualClock()) {
  return bus.connect({ clock, observer: silentObserver, limits: defaultLimits });
}

test("a command is not held back by one before it that takes long", async () => {
  const clock = new VirtualClock();
  const connection = await connected(memoryBus(), clock);
  await connection.serveCommands("stock", (message) => {
    const [command] = decodeCommands(message);
    const isSlow = command !== undefined && "txId" in command && command.txId === "slow:i:1";
    return isSlow ? new Promise(() => undefined) : Promise.resolve(encodeAnswers([{ kind: "forgotten" }]));
  });
  const slow = connection.commands.send(to, { ...forget, txId: "slow:i:1" }, 1_000);
  assert.deepEqual(await connection.commands.send(to, forget, 1_000), { kind: "forgotten" });
  assert.equal(await clock.until(slow), undefined);
});

test("a question reaches its coordinator; without one, and after the close, nothing is answered", async () => {
  const bus = memoryBus();
  const [asking, answering] = [await connected(bus), await connected(bus)];
  const question: Question = { ...about, origin: "{}" };
  assert.equal(await asking.questions.ask("trips", question, 1_000), undefined);
  await answering.serveQuestions("trips", () => Promise.resolve({ kind: "wait" }));
  assert.deepEqual(await asking.questions.ask("trips", question, 1_000), { kind: "wait" });
  await answering.close();
  assert.equal(await asking.questions.ask("trips", question, 1_000), undefined);
});

test("an instance that closes gives back only what is still its own", async () => {
  const bus = memoryBus();
  const [first, second] = [await connected(bus), await connected(bus)];
  const answering = () => () => Promise.resolve(encodeAnswers([{ kind: "forgotten" }]));
  await first.serveCommands("stock", answering());
  await second.serveCommands("stock", answering());
  await first.close();
  assert.deepEqual(await second.commands.send(to, forget, 1_000), { kind: "forgotten" });
  assert.equal(await first.commands.send(to, forget, 1_000), undefined);
});
