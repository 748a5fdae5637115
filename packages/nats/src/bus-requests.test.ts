// Requests outside transactions: one instance answers, or all do; an error affects only its own request.
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Broker, until } from "../test-kit/broker.ts";
import type { NatsBus } from "./nats-bus.ts";

const waitMs = 30_000;
const quietMs = 200;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: Uint8Array | undefined): string | undefined =>
  message === undefined ? undefined : new TextDecoder().decode(message);

let broker: Broker;
const failures: string[] = [];

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

/** Processes of one system. */
async function processes(count: number): Promise<readonly NatsBus[]> {
  const prefix = systemRandom.name();
  const onFailure = (work: string): void => void failures.push(work);
  return Promise.all(Array.from({ length: count }, () => broker.bus({ delivery: "core", prefix, onFailure })));
}

test("one of the instances that serve a topic answers, and they take turns", async () => {
  const [asker, ...servers] = await processes(3);
  assert.ok(asker !== undefined);
  for (const [index, server] of servers.entries()) {
    await server.requests.serve("price", async (message) => bytes(`${index} says ${text(message)}`));
  }
  const answers = new Set<string | undefined>();
  for (let times = 0; times < 40; times += 1) answers.add(text(await asker.requests.ask("price", bytes("x"), waitMs)));
  assert.deepEqual(answers, new Set(["0 says x", "1 says x"]));
});

test("a read that one instance does not answer is answered by another", async () => {
  const [asker, stalled, healthy] = await processes(3);
  assert.ok(asker !== undefined && stalled !== undefined && healthy !== undefined);
  let unanswered = 0;
  await stalled.requests.serve("price", () => {
    unanswered += 1;
    return new Promise(() => undefined);
  });
  await healthy.requests.serve("price", (message) => Promise.resolve(message));
  await until(async () => {
    const asked = Array.from({ length: 16 }, (_, index) => asker.requests.ask("price", bytes(`${index}`), waitMs));
    assert.deepEqual((await Promise.all(asked)).map(text), [...asked.keys()].map(String));
    return unanswered > 0;
  }, "the stalled one was asked, too");
});

test("a read whose first answer is lost is repeated", async () => {
  const [asker, server] = await processes(2);
  assert.ok(asker !== undefined && server !== undefined);
  let calls = 0;
  await server.requests.serve("price", (message) => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error("lost")) : Promise.resolve(message);
  });
  assert.equal(text(await asker.requests.ask("price", bytes("x"), waitMs)), "x");
});

test("every instance that serves a topic answers if all are asked", async () => {
  const [asker, ...servers] = await processes(4);
  assert.ok(asker !== undefined);
  for (const [index, server] of servers.entries()) {
    await server.requests.serveEach("faults", async (message) => bytes(`${index} ${text(message)}`));
  }
  let answers: readonly Uint8Array[] = [];
  // An answer that comes after the quiet time is ignored, and this machine may stall.
  await until(async () => {
    answers = await asker.requests.askEach("faults", bytes("x"), quietMs);
    return answers.length >= 3;
  }, "all of them answer");
  assert.equal(answers.length, 3);
  assert.deepEqual(new Set(answers.map(text)), new Set(["0 x", "1 x", "2 x"]));
});

test("without an instance there is no answer, and never an error", async () => {
  const [asker] = await processes(1);
  assert.equal(await asker?.requests.ask("nowhere", bytes("x"), waitMs), undefined);
  assert.deepEqual(await asker?.requests.askEach("nowhere", bytes("x"), quietMs), []);
});

test("a handler that throws or rejects answers nothing, and the next request is served", async () => {
  const [asker, server] = await processes(2);
  assert.ok(asker !== undefined && server !== undefined);
  failures.length = 0;
  let calls = 0;
  await server.requests.serve("price", (message) => {
    calls += 1;
    if (calls === 1) throw new Error("at once");
    return calls === 2 ? Promise.reject(new Error("later")) : Promise.resolve(message);
  });
  assert.equal(await asker.requests.ask("price", bytes("a"), quietMs), undefined);
  assert.equal(await asker.requests.ask("price", bytes("b"), quietMs), undefined);
  assert.equal(text(await asker.requests.ask("price", bytes("c"), waitMs)), "c");
  assert.equal(failures.filter((work) => work === "serve price").length, 2);
});

test("a topic is served again after the broker was down", async () => {
  const [asker, server] = await processes(2);
  assert.ok(asker !== undefined && server !== undefined);
  await server.requests.serve("price", (message) => Promise.resolve(message));
  await broker.server.kill();
  assert.equal(await asker.requests.ask("price", bytes("x"), quietMs), undefined);
  await broker.server.restart();
  await until(async () => (await asker.requests.ask("price", bytes("y"), quietMs)) !== undefined, "served again");
});
