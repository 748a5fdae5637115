// Beyond the suite of the port: several instances, several messages, and questions.
import type { Destination } from "assent/internal/ports";
import type { Answer, Question } from "assent/internal/protocol";
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { unhurried, unhurriedClock } from "../test-kit/unhurried-clock.ts";
import type { NatsBus } from "./nats-bus.ts";

const waitMs = unhurried(60_000);
/** Wait for messages that are not answered. */
const shortMs = unhurried(300);
const stock: Destination = { service: "stock", partition: "0" };
/** Unacknowledged messages are delivered again only after every sender here has given up. */
const neverRedelivered = { handlingMs: 3_600_000 };
const gone = (): Promise<never> => new Promise(() => undefined);

let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

/** Sends each in its own turn, so that each is a separate message. Resolves when all have been sent. */
async function sendingApart(bus: NatsBus, count: number): Promise<readonly Promise<Answer | undefined>[]> {
  const sent: Promise<Answer | undefined>[] = [];
  for (let index = 0; index < count; index += 1) {
    sent.push(bus.send(stock, prepare(`order-${index}`), waitMs));
    await new Promise(setImmediate);
  }
  return sent;
}

const sendApart = async (bus: NatsBus, count: number): Promise<readonly (Answer | undefined)[]> =>
  Promise.all(await sendingApart(bus, count));

const allAnswered = (answers: readonly (Answer | undefined)[]): boolean =>
  answers.every((answer, index) => answer?.kind === "refused" && answer.reason === `order-${index}`);

for (const delivery of ["jetstream", "core"] as const) {
  describe(delivery, () => {
    const open = async () => {
      const prefix = systemRandom.name();
      const bus = (limits = {}) => broker.bus({ delivery, prefix, limits });
      const sender = await broker.bus({ delivery, prefix, clock: unhurriedClock, limits: { directAfterMs: 1_900 } });
      return { prefix, bus, sender, close: () => broker.forget(prefix) };
    };

    test("instances share the work, and each message goes to one of them", async () => {
      const { bus, sender, close } = await open();
      // Each instance holds its messages until the other has some, too, so that neither takes all of them.
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const instances = gates.map(({ resolve }, index) =>
        recorder(() => {
          resolve();
          return gates[1 - index]?.promise ?? Promise.resolve();
        }),
      );
      for (const { endpoint } of instances) {
        await (await bus({ concurrentMessagesMax: 4 })).serveCommands("stock", endpoint);
      }
      assert.ok(allAnswered(await sendApart(sender, 300)));
      const arrived = instances.flatMap((instance) => instance.txIds());
      assert.equal(new Set(arrived).size, 300);
      assert.equal(arrived.length, 300);
      await close();
    });

    test("M4 commands sent in one turn to one partition are one message, and other commands are not", async () => {
      const { bus, sender, close } = await open();
      const service = recorder();
      await (await bus()).serveCommands("stock", service.endpoint);
      const sent = ["0", "1", "0", "1", "0"].map((partition, index) =>
        sender.send({ service: "stock", partition }, prepare(`order-${index}`), waitMs),
      );
      assert.ok(allAnswered(await Promise.all(sent)));
      assert.deepEqual(
        service.messages.map(({ length }) => length).sort((one, other) => one - other),
        [2, 3],
      );
      assert.ok(allAnswered(await sendApart(sender, 3)));
      assert.equal(service.messages.length, 5);
      await close();
    });

    test("M1 the same bytes sent again are delivered again", async () => {
      const { bus, sender, close } = await open();
      const service = recorder();
      await (await bus()).serveCommands("stock", service.endpoint);
      const command = prepare("order-0");
      for (let index = 0; index < 3; index += 1) {
        assert.ok(allAnswered([await sender.send(stock, command, waitMs)]));
      }
      assert.deepEqual(service.messages, [[command], [command], [command]]);
      await close();
    });

    test("one instance handles as many messages at once as allowed, and no more", async () => {
      const { bus, sender, close } = await open();
      const concurrentMessagesMax = 4;
      const gate = Promise.withResolvers<void>();
      const service = recorder(() => gate.promise);
      const instance = await bus({ concurrentMessagesMax });
      await instance.serveCommands("stock", service.endpoint);
      await instance.serveCommands("probe", recorder().endpoint);
      const sent = await sendingApart(sender, 40);
      await until(() => service.messages.length === concurrentMessagesMax, "it works on as many as it may");
      // Earlier messages had the same way to go, and would have arrived by now.
      const probe = { service: "probe", partition: "0" };
      assert.ok(allAnswered([await sender.send(probe, prepare("order-0"), waitMs)]));
      assert.equal(service.messages.length, concurrentMessagesMax);
      gate.resolve();
      assert.ok(allAnswered(await Promise.all(sent)));
      await close();
    });

    test("one slow command delays none of the others", async () => {
      const { bus, sender, close } = await open();
      const gate = Promise.withResolvers<void>();
      const service = recorder(([first]) => (first?.txId === "slow" ? gate.promise : Promise.resolve()));
      await (await bus()).serveCommands("stock", service.endpoint);
      const slow = sender.send(stock, prepare("slow"), waitMs);
      await until(() => service.messages.length === 1, "the slow one is being worked on");
      assert.ok(allAnswered(await sendApart(sender, 100)));
      gate.resolve();
      assert.deepEqual(await slow, { kind: "refused", reason: "slow" });
      await close();
    });

    test("a stopping instance answers its messages, and leaves the rest to others", async () => {
      const { bus, sender, close } = await open();
      const gate = Promise.withResolvers<void>();
      const first = recorder(([command]) => (command?.txId === "order-0" ? gate.promise : Promise.resolve()));
      const second = recorder();
      const serving = await (await bus()).serveCommands("stock", first.endpoint);
      const taken = sender.send(stock, prepare("order-0"), waitMs);
      await until(() => first.messages.length === 1, "the first one has it");
      let isStopped = false;
      const stopped = serving.stop().then(() => (isStopped = true));
      await (await bus()).serveCommands("stock", second.endpoint);
      const send = (index: number) => sender.send(stock, prepare(`order-${index}`), waitMs);
      // It may have requested some of them already.
      const others = await Promise.all([1, 2, 3].map(send));
      assert.equal(isStopped, false);
      gate.resolve();
      await stopped;
      const had = first.messages.length;
      const rest = await Promise.all([4, 5, 6].map(send));
      assert.ok(allAnswered([await taken, ...others, ...rest]));
      assert.equal(first.messages.length, had);
      await close();
    });

    test("messages already sent to a stopping instance are answered, not redelivered", async () => {
      const { bus, sender, close } = await open();
      const [first, second] = [recorder(), recorder()];
      const serving = await (await bus(neverRedelivered)).serveCommands("stock", first.endpoint);
      const count = 20;
      const sent = sendApart(sender, count);
      await new Promise(setImmediate);
      // Long enough for the broker to have passed them on, and nothing here has been read of them.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      const stopped = serving.stop();
      await (await bus(neverRedelivered)).serveCommands("stock", second.endpoint);
      assert.ok(allAnswered(await sent));
      await stopped;
      await close();
    });

    test("M3 a handler that throws is no answer, once, and counted; the next command is answered", async () => {
      const { bus, sender, close } = await open();
      let asked = 0;
      const service = recorder(([first]) => {
        if (first?.txId !== "bad") return Promise.resolve();
        asked += 1;
        throw new Error("the store is gone");
      });
      const serving = await (await bus()).serveCommands("stock", service.endpoint);
      assert.equal(await sender.send(stock, prepare("bad"), shortMs), undefined);
      assert.ok(allAnswered([await sender.send(stock, prepare("order-0"), waitMs)]));
      assert.equal(asked, 1);
      assert.deepEqual(serving.status().counts, { answered: 1, dropped: 0, failed: 1, refused: 0 });
      await close();
    });

    test("P6 questions are answered by the coordinator, or not at all", async () => {
      const { bus, sender, close } = await open();
      const question = (txId: string): Question => {
        return { txId, branchId: "stock/0", protocol: "2pc", epoch: 1, begunAt: 1, origin: "" };
      };
      const decided = { kind: "decided", decision: "commit", epoch: 7, ended: true } as const;
      await (
        await bus()
      ).serveQuestions("orders", ({ txId }) => {
        if (txId === "broken") throw new Error("the log is gone");
        return Promise.resolve(txId === "known" ? decided : undefined);
      });
      const ask = (txId: string) => sender.ask("orders", question(txId), waitMs);
      const answers = await Promise.all(["known", "unknown", "broken", "known"].map(ask));
      assert.deepEqual(answers, [decided, { kind: "wait" }, { kind: "wait" }, decided]);
      assert.equal(await sender.ask("nobody", question("known"), shortMs), undefined);
      await close();
    });
  });
}

test("P6 a question that one coordinator does not answer is repeated until another answers", async () => {
  const prefix = systemRandom.name();
  const bus = (): Promise<NatsBus> => broker.bus({ delivery: "core", prefix });
  const decided = { kind: "decided", decision: "commit", epoch: 7, ended: true } as const;
  let unanswered = 0;
  await (
    await bus()
  ).serveQuestions("orders", () => {
    unanswered += 1;
    return gone();
  });
  await (await bus()).serveQuestions("orders", () => Promise.resolve(decided));
  const sender = await bus();
  await until(async () => {
    const question = { txId: "t", branchId: "stock/0", protocol: "2pc", epoch: 1, begunAt: 1, origin: "" } as const;
    assert.deepEqual(await sender.ask("orders", question, waitMs), decided);
    return unanswered > 0;
  }, "the hanging one was asked, too");
});

test("jetstream: a hanging instance holds only the messages it handles, and others do the rest", async () => {
  const prefix = systemRandom.name();
  const limits = { concurrentMessagesMax: 4, ...neverRedelivered };
  const [hanging, working] = [recorder(gone), recorder()];
  for (const { endpoint } of [hanging, working]) {
    await (await broker.bus({ delivery: "jetstream", prefix, limits })).serveCommands("stock", endpoint);
  }
  const sender = await broker.bus({ delivery: "jetstream", prefix, clock: unhurriedClock });
  for (let index = 0; index < 100; index += 1) {
    void sender.send(stock, prepare(`order-${index}`), 100);
    await new Promise(setImmediate);
  }
  await until(() => working.messages.length === 96, "all but four are done");
  assert.equal(hanging.messages.length, 4);
  await broker.forget(prefix);
});

test("core: messages beyond the queue are refused and counted", async () => {
  const prefix = systemRandom.name();
  const limits = { concurrentMessagesMax: 1, waitingMessagesMax: 2 };
  const service = recorder(gone);
  const serving = await (
    await broker.bus({ delivery: "core", prefix, limits })
  ).serveCommands("stock", service.endpoint);
  const sender = await broker.bus({ delivery: "core", prefix });
  for (let index = 0; index < 10; index += 1) {
    void sender.send(stock, prepare(`order-${index}`), 100);
    await new Promise(setImmediate);
  }
  await until(() => serving.status().counts.refused === 7, "one is worked on, two wait, seven are refused");
});
