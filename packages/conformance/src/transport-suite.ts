// The suite of the port `Transport`: an answer or none, within the wait, and never an error.
import type { Destination, Transport } from "assent/internal/ports";
import {
  type Answer,
  type Command,
  decoded,
  decodeCommands,
  defaultLimits,
  encodeAnswers,
  type Json,
} from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { Endpoint, TransportAdapter } from "./adapters.ts";
import { commandsOf } from "./commands.ts";
import { type Case, type Open, register, type Suite } from "./suite.ts";
import { soon, type TestClock, turn } from "./test-clock.ts";

const stock: Destination = { service: "stock", partition: "0" };
const waitMs = 1_000;

/** A command that its answer identifies. */
function numbered(clock: TestClock, number: number, payload: Json = null): Command {
  return commandsOf(clock, { txId: `order-${number}:life1:1`, payload })("prepare");
}

/** Answers each command with its name. */
const echo: Endpoint = (message) =>
  Promise.resolve(
    encodeAnswers(
      decodeCommands(message)
        .map(decoded)
        .map(({ txId }) => ({ kind: "refused", reason: txId })),
    ),
  );

const silence: Endpoint = () => new Promise(() => undefined);

function answerOf(command: Command): Answer {
  return { kind: "refused", reason: command.txId };
}

/** A send that may fail before anybody looks: the case is to report it, not the process. */
function watched<T>(sent: Promise<T>): Promise<T> {
  sent.catch(() => undefined);
  return sent;
}

/** Sends, and lets time pass until the wait is over; the transport may need turns before its timer runs. */
async function afterWaiting(sent: Promise<Answer | undefined>, clock: TestClock): Promise<Answer | undefined> {
  void watched(sent);
  for (let turns = 0; turns < 50; turns += 1) await turn();
  clock.advance(waitMs);
  return soon(sent, "the send");
}

async function assertUnanswered(adapter: TransportAdapter, clock: TestClock, endpoint: Endpoint): Promise<void> {
  const transport = await adapter.connect({ stock: endpoint, payment: echo });
  const command = numbered(clock, 1);
  const beside = numbered(clock, 2);
  const sent = watched(transport.send(stock, command, waitMs));
  const other = watched(transport.send({ service: "payment", partition: "0" }, beside, waitMs));
  // Before time passes: over a broker that this machine lets wait, the answer may take many turns.
  assert.deepEqual(await soon(other, "the send to another service"), answerOf(beside));
  assert.equal(await afterWaiting(sent, clock), undefined);
}

function sendAll(transport: Transport, commands: readonly Command[]): Promise<readonly (Answer | undefined)[]> {
  return soon(Promise.all(commands.map((command) => transport.send(stock, command, waitMs))), "all sends");
}

const cases: readonly Case<TransportAdapter>[] = [
  {
    name: "M1 a command arrives as it was sent, and its answer as it was given",
    async run(adapter, clock) {
      const received: Command[] = [];
      const answer: Answer = { kind: "done", state: "prepared" };
      const transport = await adapter.connect({
        stock(message) {
          received.push(...decodeCommands(message).map(decoded));
          return Promise.resolve(encodeAnswers([answer]));
        },
      });
      const command = numbered(clock, 1, { text: "ä€𝄞", list: [1, null, true] });
      assert.deepEqual(await soon(transport.send(stock, command, waitMs), "the send"), answer);
      assert.deepEqual(received, [command]);
    },
  },
  {
    name: "M4 of many sends each gets its own answer",
    async run(adapter, clock) {
      const transport = await adapter.connect({ stock: echo });
      const commands = Array.from({ length: 100 }, (_, index) => numbered(clock, index));
      assert.deepEqual(await sendAll(transport, commands), commands.map(answerOf));
    },
  },
  {
    name: "M4 services are apart",
    async run(adapter, clock) {
      const deaf: string[] = [];
      const listen =
        (service: string): Endpoint =>
        (message) => {
          deaf.push(
            ...decodeCommands(message)
              .map(decoded)
              .map(({ txId }) => `${service} ${txId}`),
          );
          return echo(message);
        };
      const transport = await adapter.connect({ stock: listen("stock"), payment: listen("payment") });
      const [one, two] = [numbered(clock, 1), numbered(clock, 2)];
      const sent = [
        transport.send(stock, one, waitMs),
        transport.send({ service: "payment", partition: "0" }, two, waitMs),
      ];
      assert.deepEqual(await soon(Promise.all(sent), "both"), [answerOf(one), answerOf(two)]);
      assert.deepEqual(deaf.sort(), [`payment ${two.txId}`, `stock ${one.txId}`]);
    },
  },
  {
    name: "M1 no answer is undefined when the wait is over, and not before",
    async run(adapter, clock) {
      const transport = await adapter.connect({ stock: silence });
      let settled = false;
      const sent = watched(
        transport.send(stock, numbered(clock, 1), waitMs).finally(() => {
          settled = true;
        }),
      );
      for (let turns = 0; turns < 50; turns += 1) await turn();
      clock.advance(waitMs - 1);
      await turn();
      assert.equal(settled, false, "it waits");
      clock.advance(1);
      assert.equal(await soon(sent, "the send"), undefined);
    },
  },
  {
    name: "M1 each send waits as long as it said, also beside a more patient one",
    async run(adapter, clock) {
      const gate = Promise.withResolvers<undefined>();
      const transport = await adapter.connect({ stock: (message) => gate.promise.then(() => echo(message)) });
      const patience = numbered(clock, 1);
      const patient = watched(transport.send(stock, patience, 10 * waitMs));
      const hasty = transport.send(stock, numbered(clock, 2), waitMs);
      assert.equal(await afterWaiting(hasty, clock), undefined);
      gate.resolve(undefined);
      assert.deepEqual(await soon(patient, "the patient one"), answerOf(patience));
    },
  },
  {
    name: "M1 an answer is waited for longer than it is tried to bring the command",
    async run(adapter, clock) {
      const gate = Promise.withResolvers<undefined>();
      const transport = await adapter.connect({ stock: (message) => gate.promise.then(() => echo(message)) });
      const command = numbered(clock, 1);
      const sent = watched(transport.send(stock, command, { waitMs: 10 * waitMs, tryForMs: waitMs }));
      for (let turns = 0; turns < 50; turns += 1) await turn();
      clock.advance(2 * waitMs);
      await turn();
      gate.resolve(undefined);
      assert.deepEqual(await soon(sent, "the send"), answerOf(command));
    },
  },
  {
    name: "M1 an answer after the wait is dropped",
    async run(adapter, clock) {
      let answer: (reply: Uint8Array) => void = () => undefined;
      const transport = await adapter.connect({
        stock: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      });
      const late = transport.send(stock, numbered(clock, 1), waitMs);
      assert.equal(await afterWaiting(late, clock), undefined);
      answer(encodeAnswers([{ kind: "done", state: "prepared" }]));
      await turn();
      assert.equal(await late, undefined);
    },
  },
  {
    name: "M3 an endpoint that rejects is no answer, and never an error",
    run: (adapter, clock) => assertUnanswered(adapter, clock, () => Promise.reject(new Error("the endpoint rejects"))),
  },
  {
    name: "M3 an endpoint that throws is no answer, and never an error",
    run: (adapter, clock) =>
      assertUnanswered(adapter, clock, () => {
        throw new Error("the endpoint throws");
      }),
  },
  {
    name: "M1 an endpoint without an answer is no answer",
    run: (adapter, clock) => assertUnanswered(adapter, clock, () => Promise.resolve(undefined)),
  },
  {
    name: "M3 an undecodable reply is no answer, and never an error",
    async run(adapter, clock) {
      const texts = [
        "",
        "no JSON",
        "{}",
        `{"v":1,"answers":[{"kind":"done","state":"perhaps"}]}`,
        `{"v":2,"answers":[]}`,
      ];
      for (const text of texts) {
        await assertUnanswered(adapter, clock, () => Promise.resolve(new TextEncoder().encode(text)));
      }
      await assertUnanswered(adapter, clock, () => Promise.resolve(new Uint8Array([0xff, 0xfe])));
    },
  },
  {
    name: "M4 too few answers leave the rest unanswered, and never one with the answer of another",
    async run(adapter, clock) {
      const transport = await adapter.connect({
        async stock(message) {
          const [first] = decodeCommands(message).map(decoded);
          return encodeAnswers(first === undefined ? [] : [answerOf(first)]);
        },
      });
      const commands = Array.from({ length: 3 }, (_, index) => numbered(clock, index));
      const sent = commands.map((command) => transport.send(stock, command, waitMs));
      const answers = await Promise.all(sent.map((one) => afterWaiting(one, clock)));
      for (const [index, answer] of answers.entries()) {
        if (answer !== undefined) assert.deepEqual(answer, answerOf(commands[index] as Command));
      }
    },
  },
  {
    name: "M1 a service that nobody knows is no answer",
    async run(adapter, clock) {
      const transport = await adapter.connect({ stock: echo });
      const sent = transport.send({ service: "nobody", partition: "0" }, numbered(clock, 1), waitMs);
      assert.equal(await afterWaiting(sent, clock), undefined);
      assert.deepEqual(await sendAll(transport, [numbered(clock, 2)]), [answerOf(numbered(clock, 2))]);
    },
  },
  {
    name: "M4 what is too large for one message travels in several",
    async run(adapter, clock) {
      let largest = 0;
      const transport = await adapter.connect({
        stock(message) {
          largest = Math.max(largest, message.byteLength);
          return echo(message);
        },
      });
      const text = "x".repeat(defaultLimits.messageBytesMax * 0.4);
      const commands = Array.from({ length: 3 }, (_, index) => numbered(clock, index, text));
      assert.deepEqual(await sendAll(transport, commands), commands.map(answerOf));
      assert.ok(largest <= defaultLimits.messageBytesMax, `a message of ${largest} bytes`);
    },
  },
];

export const transportCases: Suite<TransportAdapter> = { name: "Transport", cases };

/** Registers the tests of a transport for an adapter. */
export function transportSuite(open: Open<TransportAdapter>): void {
  register(transportCases, open);
}
