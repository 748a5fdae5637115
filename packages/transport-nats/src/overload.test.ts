// A service that has stood still for a moment while it was asked a lot: it catches up.
import type { Destination } from "@assent/orchestrator";
import { systemRandom } from "@assent/system";
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

/** It can do 200 messages in a second, and is sent 140. */
const atOnce = 4;
const handlingMs = 20;
const everyMs = 1_000 / 140;
const stallMs = 2_000;

test("M1 a service that falls behind catches up: the other way adds no work to a stream that is slow", async () => {
  const prefix = systemRandom.name();
  const delivery = "jetstream" as const;
  const services = await broker.bus({ delivery, prefix, limits: { concurrentMessagesMax: atOnce } });
  const sender = await broker.bus({ delivery, prefix });
  const nats = await broker.stranger();
  const { streams } = await jetstreamManager(nats);
  const backlog = async (): Promise<number> => (await streams.info(subjectsOf(prefix).stream("stock"))).state.messages;
  const inner = recorder();
  let stalledUntil = 0;
  await services.serveCommands("stock", async (message) => {
    await pause(Math.max(handlingMs, stalledUntil - performance.now()));
    return inner.endpoint(message);
  });
  let sent = 0;
  const begunAt = performance.now();
  const sending = setInterval(() => {
    for (; sent < (performance.now() - begunAt) / everyMs; sent += 1) {
      void sender.send(stock, prepare(`order-${sent}`), 2_000);
    }
  }, 1);
  try {
    await until(() => inner.messages.length > 50, "it works");
    stalledUntil = performance.now() + stallMs;
    await until(async () => (await backlog()) > stallMs / everyMs / 2, "the stream holds what is not done");
    // All the while as much is asked as before.
    await until(async () => (await backlog()) <= 2 * atOnce, "it has caught up");
  } finally {
    clearInterval(sending);
    await nats.close();
  }
});
