// Invalid messages: they are dropped, counted, and stop nothing (M3).
import type { Destination } from "assent/internal/ports";
import { defaultLimits, encodeCommands } from "assent/internal/protocol";
import { systemRandom } from "assent/node";
import { headers } from "@nats-io/nats-core";
import { jetstreamManager } from "@nats-io/jetstream";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { unhurried, unhurriedClock } from "../test-kit/unhurried-clock.ts";
import { subjectsOf } from "./subjects.ts";

const waitMs = unhurried(60_000);
/** Less than the reconnection of a process that no longer reads takes. */
const deafMs = 1_500;
const stock: Destination = { service: "stock", partition: "0" };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let broker: Broker;

before(async () => {
  broker = await Broker.start({ maxPayloadBytes: 2 * defaultLimits.messageBytesMax });
});
after(() => broker.stop());

const poison: readonly Uint8Array[] = [
  new Uint8Array(),
  text("garbage"),
  Uint8Array.of(0xff, 0xfe, 0x00),
  text(`{"v":2,"commands":[]}`),
  text(`{"v":1,"commands":[{"txId":""}]}`),
  encodeCommands([prepare("large", { payload: "x".repeat(defaultLimits.messageBytesMax) })]),
];

/** Publishes a message with headers that no valid client would send. */
async function publishMangled(subject: string, body: Uint8Array): Promise<void> {
  const head = text("NATS/1.0\r\nno header: x\r\n\r\n");
  const socket = connect(broker.server.port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
  socket.write(
    `CONNECT {"verbose":false,"headers":true}\r\nHPUB ${subject} ${head.length} ${head.length + body.length}`,
  );
  for (const part of [text("\r\n"), head, body, text("\r\nPING\r\n")]) socket.write(part);
  await until(() => received.includes("PONG"), "the broker has it");
  socket.destroy();
}

/** Where commands to stock go. */
function subjectOf(prefix: string, delivery: "jetstream" | "core"): string {
  const subjects = subjectsOf(prefix);
  const place = subjects.place("stock", "0");
  return delivery === "core" ? subjects.direct(place) : subjects.commands(place);
}

for (const delivery of ["jetstream", "core"] as const) {
  describe(delivery, () => {
    test("unreadable messages are dropped and counted, and the next command is answered", async () => {
      const prefix = systemRandom.name();
      const failures: string[] = [];
      const onFailure = (work: string): number => failures.push(work);
      const services = await broker.bus({ delivery, prefix, onFailure });
      const service = recorder();
      let largest = 0;
      const serving = await services.serveCommands("stock", (message) => {
        largest = Math.max(largest, message.byteLength);
        return service.endpoint(message);
      });
      const sender = await broker.bus({ delivery, prefix, clock: unhurriedClock });
      const nats = await broker.stranger();
      const subject = subjectOf(prefix, delivery);
      const set = headers();
      set.set("Reply-To", "nowhere");
      for (const bytes of poison) nats.publish(subject, bytes, { headers: set });
      await until(() => serving.status().counts.dropped === poison.length, "all are dropped");
      assert.deepEqual(await sender.send(stock, prepare("order-0"), waitMs), { kind: "refused", reason: "order-0" });
      assert.deepEqual(service.txIds(), ["order-0"]);
      assert.ok(largest <= defaultLimits.messageBytesMax, "a too large message is not handed over");
      assert.equal(failures.filter((work) => work === "handle a message to stock").length, poison.length);
      if (delivery === "jetstream") {
        const { streams } = await jetstreamManager(nats);
        const messages = async () => (await streams.info(subjectsOf(prefix).stream("stock"))).state.messages;
        await until(async () => (await messages()) === 0, "all are acknowledged");
      }
      await nats.close();
      await broker.forget(prefix);
    });

    test("unreadable headers stop neither the receiving of commands nor of replies", async () => {
      const prefix = systemRandom.name();
      const failures: string[] = [];
      const onFailure = (work: string): number => failures.push(work);
      const services = await broker.bus({ delivery, prefix, onFailure });
      const gate = Promise.withResolvers<void>();
      const service = recorder(async ([first]) => first?.txId === "order-1" && gate.promise);
      const serving = await services.serveCommands("stock", service.endpoint);
      const random = { ...systemRandom, name: () => "me" };
      const sender = await broker.bus({ delivery, prefix, onFailure, random });
      await publishMangled(subjectOf(prefix, delivery), encodeCommands([prepare("order-0")]));
      await until(() => serving.status().counts.answered === 1, "it is answered without a reply address");
      const sent = sender.send(stock, prepare("order-1"), deafMs);
      await publishMangled(`${subjectsOf(prefix).replies("me")}.1`, new Uint8Array());
      await until(() => failures.includes("replies"), "the sender reports it");
      gate.resolve();
      assert.deepEqual(await sent, { kind: "refused", reason: "order-1" });
      await broker.forget(prefix);
    });

    test("a command without a reply address is executed nevertheless", async () => {
      const prefix = systemRandom.name();
      const service = recorder();
      const serving = await (await broker.bus({ delivery, prefix })).serveCommands("stock", service.endpoint);
      const nats = await broker.stranger();
      nats.publish(subjectOf(prefix, delivery), encodeCommands([prepare("order-0")]));
      await until(() => serving.status().counts.answered === 1, "it is answered without a reply address");
      await nats.close();
      await broker.forget(prefix);
    });

    test("foreign messages among the replies do no harm", async () => {
      const prefix = systemRandom.name();
      const failures: unknown[] = [];
      const onFailure = (_work: string, error: unknown): number => failures.push(error);
      const sender = await broker.bus({
        delivery,
        prefix,
        onFailure,
        clock: unhurriedClock,
        random: { ...systemRandom, name: () => "me" },
      });
      const nats = await broker.stranger();
      const gate = Promise.withResolvers<void>();
      const service = recorder(() => gate.promise);
      await (await broker.bus({ delivery, prefix })).serveCommands("stock", service.endpoint);
      const replies = subjectsOf(prefix).replies("me");
      const sent = sender.send(stock, prepare("order-0"), unhurried(300));
      await until(() => service.messages.length === 1, "it is on its way");
      for (const name of ["zzz", "zzz.stored", "1.stored", "1"]) nats.publish(`${replies}.${name}`, "garbage");
      assert.equal(await sent, undefined);
      gate.resolve();
      await until(() => sender.status().lateReplies > 0, "the true answer is late");
      assert.deepEqual(
        await sender.send(stock, prepare("order-1"), waitMs),
        { kind: "refused", reason: "order-1" },
        "the next one is answered",
      );
      assert.ok(failures.length > 0);
      await nats.close();
      await broker.forget(prefix);
    });

    test("a command too large for any message is not sent, but the others are", async () => {
      const prefix = systemRandom.name();
      const failures: unknown[] = [];
      const onFailure = (_work: string, error: unknown): number => failures.push(error);
      const sender = await broker.bus({ delivery, prefix, onFailure, clock: unhurriedClock });
      await (await broker.bus({ delivery, prefix })).serveCommands("stock", recorder().endpoint);
      const large = prepare("large", { payload: "x".repeat(defaultLimits.messageBytesMax) });
      const sent = [prepare("order-0"), large, prepare("order-1")].map((command) =>
        sender.send(stock, command, waitMs),
      );
      const reasons = (await Promise.all(sent)).map((answer) =>
        answer?.kind === "refused" ? answer.reason : undefined,
      );
      assert.deepEqual(reasons, ["order-0", undefined, "order-1"]);
      assert.deepEqual(
        failures.map((error) => (error as { code?: string }).code),
        ["message_too_large"],
      );
      await broker.forget(prefix);
    });
  });
}
