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

const atOnce = 4;
const handlingMs = 20;
/** Of what it can do, as much is asked: for each wait as long as it handles a message, on whatever machine. */
const share = 0.7;
/** What it leaves undone while it stands still. */
const undone = 60 * atOnce;

test("M1 a service that falls behind catches up: the other way adds no work to a stream that is slow", async () => {
  const prefix = systemRandom.name();
  const delivery = "jetstream" as const;
  const services = await broker.bus({ delivery, prefix, limits: { concurrentMessagesMax: atOnce } });
  const sender = await broker.bus({ delivery, prefix });
  const nats = await broker.stranger();
  const { streams } = await jetstreamManager(nats);
  const backlog = async (): Promise<number> => (await streams.info(subjectsOf(prefix).stream("stock"))).state.messages;
  const inner = recorder();
  let standstill: Promise<void> | undefined;
  await services.serveCommands("stock", async (message) => {
    await (standstill ?? pause(handlingMs));
    return inner.endpoint(message);
  });
  let sent = 0;
  let waits = 0;
  const sending = setInterval(() => {
    waits += 1;
    for (; sent < waits * atOnce * share; sent += 1) void sender.send(stock, prepare(`order-${sent}`), 2_000);
  }, handlingMs);
  try {
    await until(() => inner.messages.length > 50, "it works");
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    standstill = promise;
    await until(async () => (await backlog()) > undone, "the stream holds what is not done");
    standstill = undefined;
    goOn();
    // All the while as much is asked as before.
    await until(async () => (await backlog()) <= 2 * atOnce, "it has caught up");
  } finally {
    clearInterval(sending);
    await nats.close();
  }
});
