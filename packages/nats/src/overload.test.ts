// A service that stalled for a moment under many requests catches up.
import type { Destination } from "assent/internal/ports";
import { systemRandom } from "assent/node";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { subjectsOf } from "./subjects.ts";

const stock: Destination = { service: "stock", partition: "0" };
let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

const atOnce = 4;
const handlingMs = 20;
/** New messages for each handled message: fewer than one, so that the service catches up on any machine. */
const share = 0.7;
/** Backlog after the stall. */
const undone = 60 * atOnce;
/** How long a sender waits for an answer before it also sends by the other route. */
const patienceMs = 5_000;

test("M1 a service that falls behind catches up: the direct route adds no work to a slow stream", async () => {
  const prefix = systemRandom.name();
  const delivery = "jetstream" as const;
  const services = await broker.bus({ delivery, prefix, limits: { concurrentMessagesMax: atOnce } });
  const sender = await broker.bus({ delivery, prefix });
  const nats = await broker.stranger();
  const { streams } = await jetstreamManager(nats);
  const backlog = async (): Promise<number> => (await streams.info(subjectsOf(prefix).stream("stock"))).state.messages;
  let sent = 0;
  let due = 0;
  const send = (count: number): void => {
    for (due += count; due >= 1; due -= 1, sent += 1) void sender.send(stock, prepare(`order-${sent}`), patienceMs);
  };
  const standstill = Promise.withResolvers<void>();
  const inner = recorder();
  await services.serveCommands("stock", async (message) => {
    await standstill.promise;
    await pause(handlingMs);
    // A copy by the other route costs the same work: with copies, each message would lead to 1.4 others.
    send(share);
    return inner.endpoint(message);
  });
  try {
    while ((await backlog()) <= undone) {
      send(1);
      await new Promise(setImmediate);
    }
    standstill.resolve();
    await until(async () => (await backlog()) <= 2 * atOnce, "it has caught up");
  } finally {
    await nats.close();
  }
});
