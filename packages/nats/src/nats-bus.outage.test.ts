// The broker is killed, paused, and loses its messages: senders and services continue on their own.
import type { Destination } from "assent/internal/ports";
import type { Answer, Command } from "assent/internal/protocol";
import { systemRandom } from "assent/node";
import { jetstreamManager } from "@nats-io/jetstream";
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import type { NatsLimits } from "./limits.ts";
import type { NatsBus } from "./nats-bus.ts";
import type { StreamStorage } from "./stream-setup.ts";
import { subjectsOf } from "./subjects.ts";

/** Wait for messages that must be answered. */
const waitMs = 30_000;
/** Wait for messages that may be lost with the broker. */
const lostAfterMs = 2_000;
const stock: Destination = { service: "stock", partition: "0" };
const gone = (): Promise<never> => new Promise(() => undefined);

let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
beforeEach(async () => {
  // A failed test may have left it paused.
  broker.server.resume();
  if (broker.server.hasEnded) await broker.server.restart();
});
after(() => broker.stop());

const answerTo = (txId: string): Answer => ({ kind: "refused", reason: txId });

/** How many messages the stream of a service contains. */
async function stored(prefix: string, service: string): Promise<number> {
  const nats = await broker.stranger();
  try {
    const { streams } = await jetstreamManager(nats);
    return (await streams.info(subjectsOf(prefix).stream(service))).state.messages;
  } finally {
    await nats.close();
  }
}

/** Repeats a command until it is answered, as a coordinator does. */
async function sendUntilAnswered(bus: NatsBus, command: Command): Promise<Answer | undefined> {
  let answer: Answer | undefined;
  await until(async () => {
    answer = await bus.send(stock, command, lostAfterMs);
    return answer !== undefined;
  }, "it is answered");
  return answer;
}

interface Sending {
  /** Messages sent from now on get more time, and must be answered. */
  insist(): void;
  /** Number of those messages. @throws AssertionError if one of them was not answered */
  stop(): Promise<number>;
}

/** Sends one command after another until stopped; no send may reject. */
function keepSending(bus: NatsBus): Sending {
  let isStopped = false;
  let insistedFrom = Infinity;
  const command = (index: number): Command => prepare(`order-${index}`);
  const sent: Promise<Answer | undefined>[] = [];
  const done = (async () => {
    for (let index = 0; !isStopped; index += 1) {
      sent.push(bus.send(stock, command(index), index < insistedFrom ? lostAfterMs : waitMs));
      await delay(5);
    }
  })();
  return {
    insist: () => (insistedFrom = sent.length),
    async stop() {
      isStopped = true;
      await done;
      const insisted = (await Promise.all(sent)).slice(insistedFrom);
      for (const [index, answer] of insisted.entries()) {
        assert.deepEqual(answer, answerTo(command(insistedFrom + index).txId));
      }
      return insisted.length;
    },
  };
}

for (const delivery of ["jetstream", "core"] as const) {
  describe(delivery, () => {
    test("a broker that is killed and comes back empty: sends are answered again, by the same processes", async () => {
      const prefix = systemRandom.name();
      const [services, sender] = [await broker.bus({ delivery, prefix }), await broker.bus({ delivery, prefix })];
      const service = recorder();
      await services.serveCommands("stock", service.endpoint);
      for (let round = 0; round < 2; round += 1) {
        const sending = keepSending(sender);
        await until(() => service.messages.length > 10, "commands arrive");
        await broker.server.kill();
        await until(() => !sender.status().connected && !services.status().connected, "both have noticed");
        assert.equal(services.status().services[0]?.ready, false);
        assert.equal(services.status().server, undefined);
        await broker.server.restart();
        await until(() => services.status().services[0]?.ready === true, "the service is ready again");
        await until(() => sender.status().connected, "so is the sender");
        sending.insist();
        const before = service.messages.length;
        await until(() => service.messages.length > before + 10, "commands arrive again");
        assert.ok((await sending.stop()) > 0);
        service.messages.length = 0;
      }
      await broker.forget(prefix);
    });

    test("a command sent while the broker is down is delivered when it is back", async () => {
      const prefix = systemRandom.name();
      const [services, sender] = [await broker.bus({ delivery, prefix }), await broker.bus({ delivery, prefix })];
      const service = recorder();
      await services.serveCommands("stock", service.endpoint);
      await broker.server.kill();
      await until(() => !sender.status().connected, "the sender has noticed");
      const sent = sendUntilAnswered(sender, prepare("order-0", { verb: "commit" }));
      await delay(1_500);
      await broker.server.restart();
      assert.deepEqual(await sent, answerTo("order-0"));
      assert.deepEqual([...new Set(service.txIds())], ["order-0"]);
      await broker.forget(prefix);
    });

    test("a message that its sender has repeated meanwhile is not delivered when the broker is back", async () => {
      const prefix = systemRandom.name();
      const [services, sender] = [await broker.bus({ delivery, prefix }), await broker.bus({ delivery, prefix })];
      const service = recorder();
      await services.serveCommands("stock", service.endpoint);
      await broker.server.kill();
      await until(() => !sender.status().connected, "the sender has noticed");
      const tryForMs = 100;
      const sent = sender.send(stock, prepare("order-0"), { waitMs: 3_000, tryForMs });
      await delay(2 * tryForMs);
      await broker.server.restart();
      assert.deepEqual(await sender.send(stock, prepare("order-1"), waitMs), answerTo("order-1"));
      assert.equal(await sent, undefined);
      assert.deepEqual([...new Set(service.txIds())], ["order-1"]);
      await broker.forget(prefix);
    });

    test("while the broker is paused nothing rejects and nothing exceeds its wait", async () => {
      const prefix = systemRandom.name();
      const [services, sender] = [await broker.bus({ delivery, prefix }), await broker.bus({ delivery, prefix })];
      await services.serveCommands("stock", recorder().endpoint);
      broker.server.pause();
      const begun = performance.now();
      // Timers of one process fire in order, even if it has stalled.
      const sent = sender.send(stock, prepare("order-0"), 300).then((answer) => answer ?? "nothing");
      const first = await Promise.race([sent, delay(1_200).then(() => "too slow")]);
      const tookMs = performance.now() - begun;
      broker.server.resume();
      assert.equal(first, "nothing");
      assert.ok(tookMs >= 299, `it took ${tookMs} ms`);
      assert.deepEqual(await sender.send(stock, prepare("order-1"), waitMs), answerTo("order-1"));
      await broker.forget(prefix);
    });

    test("a command sent before its service starts reaches it within the wait", async () => {
      const prefix = systemRandom.name();
      const [services, sender] = [await broker.bus({ delivery, prefix }), await broker.bus({ delivery, prefix })];
      const sent = sendUntilAnswered(sender, prepare("order-0", { verb: "commit" }));
      await delay(50);
      await services.serveCommands("stock", recorder().endpoint);
      assert.deepEqual(await sent, answerTo("order-0"));
      await broker.forget(prefix);
    });
  });
}

describe("jetstream, streams", () => {
  const open = async ({
    limits: changed,
    ...options
  }: { limits?: Partial<NatsLimits>; storage?: StreamStorage } = {}) => {
    const prefix = systemRandom.name();
    // So late that everything here comes by the stream.
    const limits = { directAfterMs: 1_900, ...changed };
    const bus = (more = {}) => broker.bus({ delivery: "jetstream", prefix, limits, ...options, ...more });
    return { prefix, bus, subjects: subjectsOf(prefix), close: () => broker.forget(prefix) };
  };

  test("M1 the broker distinguishes a publisher's own repetition from a repeated command", async () => {
    const { bus, subjects, close } = await open();
    const service = recorder();
    await (await bus()).serveCommands("stock", service.endpoint);
    const sender = await bus();
    const nats = await broker.stranger();
    const published: string[] = [];
    nats.subscribe(subjects.allCommands("stock"), {
      callback(_error, { subject, headers }) {
        published.push(`${subject.slice(subject.lastIndexOf(".") + 1)} ${headers?.has("Nats-Msg-Id")}`);
      },
    });
    await nats.flush();
    broker.server.pause();
    // Long enough for the publisher to repeat it twice.
    const sent = ["prepare", "commit"].map((verb) =>
      sender.send({ service: "stock", partition: verb }, prepare(verb, { verb: verb as "prepare" }), waitMs),
    );
    await delay(1_300);
    broker.server.resume();
    assert.deepEqual(await Promise.all(sent), ["prepare", "commit"].map(answerTo));
    // Messages that the publisher sent before its answer are on the same connection, and arrive in order.
    await until(
      () => published.filter((each) => each === "prepare true").length > 1,
      "the publisher has repeated itself",
    );
    await nats.flush();
    // Each is stored once. Messages that the stream delays may also have arrived directly.
    const { streams } = await jetstreamManager(nats);
    assert.equal((await streams.info(subjects.stream("stock"))).state.last_seq, 2);
    assert.deepEqual([...new Set(service.txIds())].sort(), ["commit", "prepare"]);
    const copies = Object.groupBy(published, (each) => each);
    assert.deepEqual(Object.keys(copies).sort(), ["commit false", "prepare true"]);
    assert.equal(copies["commit false"]?.length, 1, "M2: a message without an id is published once");
    await nats.close();
    await close();
  });

  test("a deleted stream or consumer is created again while a command waits", async () => {
    const { bus, subjects, close } = await open();
    const services = await bus();
    await services.serveCommands("stock", recorder().endpoint);
    const sender = await bus();
    const nats = await broker.stranger();
    const { streams, consumers } = await jetstreamManager(nats);
    const [stream, consumer] = [subjects.stream("stock"), subjects.consumer("stock")];
    await streams.delete(stream);
    assert.deepEqual(await sender.send(stock, prepare("order-0"), waitMs), answerTo("order-0"));
    await consumers.delete(stream, consumer);
    assert.deepEqual(await sender.send(stock, prepare("order-1"), waitMs), answerTo("order-1"));
    await nats.close();
    await close();
  });

  test("a stream and a consumer with other limits get the limits of the latest process", async () => {
    const { bus, subjects, close } = await open();
    const earlier = { streamAgeMaxMs: 90_000, handlingMs: 20_000, deliveriesMax: 9 };
    await (await bus({ limits: earlier })).serveCommands("stock", recorder().endpoint);
    await (await bus()).serveCommands("stock", recorder().endpoint);
    const nats = await broker.stranger();
    const { streams, consumers } = await jetstreamManager(nats);
    const [stream, consumer] = [subjects.stream("stock"), subjects.consumer("stock")];
    const { config } = await streams.info(stream);
    assert.deepEqual(
      [
        config.retention,
        config.storage,
        config.num_replicas,
        config.max_bytes,
        config.max_age,
        config.duplicate_window,
      ],
      ["workqueue", "memory", 1, 67_108_864, 60e9, 10e9],
    );
    const shared = (await consumers.info(stream, consumer)).config;
    assert.deepEqual([shared.ack_policy, shared.ack_wait, shared.max_deliver], ["explicit", 30e9, 3]);
    assert.deepEqual(await (await bus()).send(stock, prepare("order-0"), waitMs), answerTo("order-0"));
    await nats.close();
    await close();
  });

  test("messages in a file survive the broker, and reach a service that was down", async () => {
    const { prefix, bus, close } = await open({ storage: { kind: "file", replicas: 1 } });
    const first = await (await bus()).serveCommands("stock", recorder().endpoint);
    await first.stop();
    const sender = await bus();
    // Not tried again by its publisher, because it is not of phase 1.
    const sent = sender.send(stock, prepare("order-0", { verb: "commit" }), waitMs);
    await until(async () => (await stored(prefix, "stock")) === 1, "it is stored");
    await broker.server.kill();
    await broker.server.restart();
    await until(() => sender.status().connected, "the sender is back");
    await (await bus()).serveCommands("stock", recorder().endpoint);
    assert.deepEqual(await sent, answerTo("order-0"));
    await until(async () => (await stored(prefix, "stock")) === 0, "it is acknowledged");
    await close();
  });

  test("M3 a message whose handlers never finish is delivered a limited number of times", async () => {
    const limits = { deliveriesMax: 3, handlingMs: 2_100 };
    const { prefix, bus, close } = await open({ limits });
    const [first, second] = [recorder(gone), recorder(gone)];
    const dying = await bus();
    await dying.serveCommands("stock", first.endpoint);
    const sender = await bus();
    assert.equal(await sender.send(stock, prepare("killer", { verb: "commit" }), 200), undefined);
    await until(() => first.messages.length > 0, "it gets there");
    assert.equal(await stored(prefix, "stock"), 1, "it is not acknowledged before its effect is durable");
    await dying.close();
    await (await bus()).serveCommands("stock", second.endpoint);
    await until(() => second.messages.length > 0, "the other instance gets it");
    await until(async () => (await stored(prefix, "stock")) === 0, "it will not be delivered again");
    assert.equal(first.messages.length + second.messages.length, limits.deliveriesMax);
    await close();
  });

  test("a broker without streams: the status reports it, and commands arrive directly", async () => {
    const { bus } = await open({ limits: { setupWaitMs: 200, directAfterMs: 100, presenceEveryMs: 50 } });
    const plain = await Broker.start({ jetstream: false });
    const services = await bus({ servers: [plain.url] });
    await services.serveCommands("stock", recorder().endpoint);
    await until(() => /jetstream/i.test(services.status().services[0]?.problem ?? ""), "it says why");
    assert.deepEqual([services.status().connected, services.status().services[0]?.ready], [true, true]);
    const sender = await bus({ servers: [plain.url] });
    assert.deepEqual(await sender.send(stock, prepare("order-0"), waitMs), answerTo("order-0"));
    await services.close();
    assert.equal(services.status().services[0]?.ready, false);
    await sender.close();
    await plain.stop();
  });
});
