// All senders prefer one of several instances, and the others are on standby.
import type { Destination } from "assent/internal/ports";
import type { Answer } from "assent/internal/protocol";
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker, prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { unhurried, unhurriedClock } from "../test-kit/unhurried-clock.ts";
import { encodeAnnouncement } from "./announcement.ts";
import type { NatsBus } from "./nats-bus.ts";
import { type Subjects, subjectsOf } from "./subjects.ts";

const stock: Destination = { service: "stock", partition: "0" };
const waitMs = unhurried(60_000);
/** Longer than a test: no instance is reported as silent because the machine stalls. */
const patient = { directAfterMs: 1_900, unansweredMaxMs: 1_900, presenceMaxMs: 60_000, avoidMs: 60_000 };

let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

const send = (bus: NatsBus, txId: string): Promise<Answer | undefined> => bus.send(stock, prepare(txId), waitMs);

async function sendApart(bus: NatsBus, count: number): Promise<void> {
  const sent: Promise<Answer | undefined>[] = [];
  for (let index = 0; index < count; index += 1) {
    sent.push(send(bus, `order-${index}`));
    await new Promise(setImmediate);
  }
  const answers = await Promise.all(sent);
  assert.ok(answers.every((answer, index) => answer?.kind === "refused" && answer.reason === `order-${index}`));
}

/** Sends one message in each turn until a condition holds; messages may still be in flight. */
async function sendUntil(bus: NatsBus, hasHappened: () => boolean): Promise<readonly Promise<Answer | undefined>[]> {
  const sent: Promise<Answer | undefined>[] = [];
  await until(() => {
    if (hasHappened()) return true;
    sent.push(send(bus, `order-${sent.length}`));
    return false;
  }, "messages arrive");
  return sent;
}

/** Announces itself as an instance and takes messages, but never answers. */
async function ghostOf(subjects: Subjects, instance: string) {
  const nats = await broker.stranger();
  const processName = systemRandom.name();
  let taken = 0;
  const subscription = nats.subscribe(subjects.allAtInstance(processName, "stock"), {
    callback: () => void (taken += 1),
  });
  const announcing = setInterval(() => {
    nats.publish(subjects.presence("stock"), encodeAnnouncement({ instance, processName, isLeaving: false }));
  }, 20);
  return {
    nats,
    get taken() {
      return taken;
    },
    /** Like a killed process: it is silent, and the broker knows that it is gone. */
    async leave() {
      clearInterval(announcing);
      subscription.unsubscribe();
      await nats.flush();
    },
    /** Like a process stopped by a debugger: to the broker it still listens. */
    stall() {
      clearInterval(announcing);
    },
    async close() {
      clearInterval(announcing);
      await nats.close();
    },
  };
}

for (const delivery of ["jetstream", "core"] as const) {
  describe(delivery, () => {
    const open = async (limits = {}, onFailure: (work: string) => void = () => undefined) => {
      const prefix = systemRandom.name();
      const shared = { delivery, prefix };
      const sending = { clock: unhurriedClock, limits: { ...patient, ...limits }, onFailure };
      const sender = await broker.bus({ ...shared, ...sending });
      const instance = async (name: string, before?: () => Promise<unknown>) => {
        const service = recorder(before);
        const bus = await broker.bus({ ...shared, instance: name, limits: { presenceEveryMs: 20 } });
        return { ...service, bus, serving: await bus.serveCommands("stock", service.endpoint) };
      };
      /** Sends until the messages go to one of the instances. */
      const settled = (preferred: { readonly messages: readonly unknown[] }) =>
        until(async () => {
          const before = preferred.messages.length;
          await sendApart(sender, 8);
          return preferred.messages.length === before + 8;
        }, "one instance gets everything");
      const subjects = subjectsOf(prefix);
      const ghost = (name: string) => ghostOf(subjects, name);
      return { sender, instance, ghost, settled, subjects, close: () => broker.forget(prefix) };
    };

    test("the lowest present instance gets every command, from every sender", async () => {
      const { sender, instance, settled, close } = await open();
      const last = await instance("stock-10");
      await settled(last);
      const second = await instance("stock-2");
      await settled(second);
      const first = await instance("stock-1");
      await settled(first);
      const counts = (): readonly number[] => [last, second, first].map(({ messages }) => messages.length);
      const [ofLast = 0, ofSecond = 0, ofFirst = 0] = counts();
      await sendApart(sender, 50);
      assert.deepEqual(counts(), [ofLast, ofSecond, ofFirst + 50]);
      await close();
    });

    test("a stopping instance hands over to the next, and every command is answered", async () => {
      const { sender, instance, settled, close } = await open();
      const [first, second] = [await instance("stock-0"), await instance("stock-1")];
      await settled(first);
      const had = second.messages.length;
      const sent = sendApart(sender, 50);
      await first.serving.stop();
      await sent;
      await settled(second);
      assert.ok(second.messages.length > had);
      await close();
    });

    test("commands to a dead instance go to another as soon as the broker reports it", async () => {
      const { sender, instance, ghost, close } = await open();
      const standby = await instance("stock-1");
      const first = await ghost("stock-0");
      const startedAt = unhurriedClock.monotonic();
      const held = await sendUntil(sender, () => first.taken > 0);
      await first.leave();
      const next = send(sender, "next");
      assert.ok((await Promise.all([...held, next])).every((answer) => answer !== undefined));
      assert.ok(unhurriedClock.monotonic() - startedAt < patient.directAfterMs, "no sender waited for its silence");
      assert.ok(standby.messages.length > 0);
      await first.close();
      await close();
    });

    test("an instance that does not answer is not preferred for a while, even if it announces itself", async () => {
      const { sender, instance, ghost, close } = await open({ unansweredMaxMs: 20 });
      const standby = await instance("stock-1");
      const first = await ghost("stock-0");
      const held = await sendUntil(sender, () => first.taken > 0);
      assert.ok((await Promise.all(held)).every((answer) => answer !== undefined));
      const [taken, done] = [first.taken, standby.messages.length];
      await sendApart(sender, 50);
      assert.deepEqual([first.taken, standby.messages.length], [taken, done + 50]);
      await first.close();
      await close();
    });

    test("an instance without a sign of life is avoided much earlier than a slow one", async () => {
      const failures: string[] = [];
      const limits = { presenceEveryMs: 10, directAfterMs: 20 };
      const { sender, instance, ghost, close } = await open(limits, (work) => failures.push(work));
      const standby = await instance("stock-1");
      const first = await ghost("stock-0");
      const startedAt = unhurriedClock.monotonic();
      const held = await sendUntil(sender, () => first.taken > 0);
      first.stall();
      assert.ok((await Promise.all(held)).every((answer) => answer !== undefined));
      assert.ok(unhurriedClock.monotonic() - startedAt < patient.unansweredMaxMs, "it counted as slow");
      assert.deepEqual(failures, ["send to stock-0"]);
      assert.ok(standby.messages.length > 0);
      await first.close();
      await close();
    });

    test("a slow instance with signs of life keeps every command", async () => {
      const directAfterMs = 20;
      const { sender, instance, settled, close } = await open({ presenceEveryMs: 10, directAfterMs });
      const slow = { until: Promise.resolve() };
      const [first, standby] = [await instance("stock-0", () => slow.until), await instance("stock-1")];
      await settled(first);
      const [had, done] = [standby.messages.length, first.messages.length];
      let goOn: () => void = () => undefined;
      slow.until = new Promise((resolve) => {
        goOn = resolve;
      });
      const sent = sendApart(sender, 8);
      await until(() => first.messages.length === done + 8, "all have arrived");
      const arrivedAt = unhurriedClock.monotonic();
      await until(() => unhurriedClock.monotonic() > arrivedAt + 3 * directAfterMs, "all have waited");
      goOn();
      await sent;
      assert.deepEqual([first.messages.length, standby.messages.length], [done + 8, had]);
      await close();
    });

    test("M3 an invalid announcement is reported, and changes nothing", async () => {
      const failures: string[] = [];
      const { sender, instance, ghost, subjects, settled, close } = await open({}, (work) => failures.push(work));
      const only = await instance("stock-0");
      await settled(only);
      const { nats, ...stranger } = await ghost("stock-9");
      for (const text of ["", "{", "[]", '{"instance":"stock-0"}', '{"instance":1,"process":"x","leaving":false}']) {
        nats.publish(subjects.presence("stock"), text);
      }
      await until(() => failures.length === 5, "each is reported");
      assert.deepEqual(new Set(failures), new Set(["read announcements"]));
      const done = only.messages.length;
      await sendApart(sender, 20);
      assert.equal(only.messages.length, done + 20);
      await stranger.close();
      await close();
    });
  });
}
