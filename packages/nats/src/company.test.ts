// A command that no caller waits for is sent together with others.
import type { Clock, Destination } from "assent/internal/ports";
import type { Verb } from "assent/internal/protocol";
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { unhurried, unhurriedClock } from "../test-kit/unhurried-clock.ts";
import type { NatsBus } from "./nats-bus.ts";

const stock: Destination = { service: "stock", partition: "0" };
const waitMs = unhurried(60_000);
const longCompanyMs = 1_900;

let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

/** Held without a time limit: only another message, or a drain, releases a held command. */
const endlessCompany: Clock = {
  ...unhurriedClock,
  after: (delayMs, callback) =>
    delayMs === longCompanyMs ? { cancel: () => undefined } : unhurriedClock.after(delayMs, callback),
};

async function opened(companyWaitMs: number, clock: Clock = unhurriedClock) {
  const prefix = systemRandom.name();
  const service = recorder();
  const serving = await broker.bus({ delivery: "jetstream", prefix });
  await serving.serveCommands("stock", service.endpoint);
  const sender = await broker.bus({ delivery: "jetstream", prefix, clock, limits: { companyWaitMs } });
  const verbs = (): readonly (readonly Verb[])[] => service.messages.map((all) => all.map(({ verb }) => verb));
  return { sender, verbs, close: () => broker.forget(prefix) };
}

const send = (bus: NatsBus, txId: string, verb: Verb) =>
  bus.send(stock, prepare(txId, { verb }), {
    waitMs,
    tryForMs: waitMs,
    mayWait: verb === "commit" || verb === "forget",
  });

test("a background command is sent with the next command that a caller waits for, in order", async () => {
  const { sender, verbs, close } = await opened(longCompanyMs, endlessCompany);
  const sent = [send(sender, "order-0", "commit"), send(sender, "order-1", "forget")];
  await new Promise(setImmediate);
  sent.push(send(sender, "order-2", "prepare"), send(sender, "order-3", "forget"));
  assert.ok((await Promise.all(sent)).every((answer) => answer !== undefined));
  assert.deepEqual(verbs(), [["commit", "forget", "prepare", "forget"]]);
  await close();
});

test("background commands without company are sent after a while, all together", async () => {
  const { sender, verbs, close } = await opened(5);
  const sent = [send(sender, "order-0", "commit")];
  await new Promise(setImmediate);
  sent.push(send(sender, "order-1", "forget"));
  await Promise.all(sent);
  assert.deepEqual(verbs(), [["commit", "forget"]]);
  await close();
});

test("a stopping process holds nothing back", async () => {
  const { sender, verbs, close } = await opened(longCompanyMs, endlessCompany);
  const held = send(sender, "order-0", "commit");
  await new Promise(setImmediate);
  let isAnswered = false;
  void held.then((answer) => (isAnswered = answer !== undefined));
  sender.drain();
  await until(() => isAnswered, "the held command was sent");
  assert.ok((await send(sender, "order-1", "forget")) !== undefined);
  assert.deepEqual(verbs(), [["commit"], ["forget"]]);
  await close();
});
