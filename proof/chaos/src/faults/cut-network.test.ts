// Proxies between real sockets.
import { freePort } from "@assent/local-servers";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { CutNetwork, type Pairs } from "./cut-network.ts";

/** Time limits for data that must arrive, and for data that must not. */
const comesMs = 60_000;
const silentMs = 150;

const network = new CutNetwork();
const accepted: Socket[] = [];
let server: Server;
let port = 0;

before(async () => {
  port = await freePort();
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  network.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

const aToB: Pairs = (from, to) => from === "a" && to === "b";

async function dial(from: string, to: string): Promise<Socket> {
  const socket = connect(await network.link(from, to, port), "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

/** The default of a race, after this time. It keeps no process alive. */
const unlessBefore = <T>(waitMs: number, value: T): Promise<T> => pause(waitMs, value, { ref: false });

/** Data received within this time; undefined: none. */
async function heard(socket: Socket, waitMs: number): Promise<string | undefined> {
  const came = once(socket, "data").then(([chunk]) => String(chunk));
  return Promise.race([came, unlessBefore(waitMs, undefined)]);
}

test("a cut is silent and affects one pair only; data sent across it arrives when it is healed", async () => {
  const [cut, other] = [await dial("a", "b"), await dial("c", "b")];
  cut.write("before");
  assert.equal(await heard(cut, comesMs), "echo before");
  const heal = network.cut(aToB);
  let closed = false;
  cut.on("close", () => (closed = true));
  cut.write("during");
  other.write("other");
  assert.equal(await heard(other, comesMs), "echo other");
  assert.equal(await heard(cut, silentMs), undefined);
  const late = await dial("a", "b");
  late.write("late");
  assert.equal(await heard(late, silentMs), undefined, "a new connection gets no data either");
  assert.equal(closed, false);
  heal();
  const [first, second] = await Promise.all([heard(cut, comesMs), heard(late, comesMs)]);
  assert.deepEqual([first, second], ["echo during", "echo late"]);
  for (const socket of [cut, other, late]) socket.destroy();
});

test("the death of a process across a cut is not visible before the cut is healed", async () => {
  const socket = await dial("a", "b");
  socket.write("x");
  await heard(socket, comesMs);
  const heal = network.cut(aToB);
  accepted.at(-1)?.destroy();
  const closed = once(socket, "close").then(() => true);
  assert.equal(await Promise.race([closed, unlessBefore(silentMs, false)]), false);
  heal();
  assert.equal(await Promise.race([closed, unlessBefore(comesMs, false)]), true);
});

test("a slow pair is slow in both directions, keeps the order, and is fast again afterwards", async () => {
  const socket = await dial("a", "b");
  const quicken = network.slow(aToB, 100);
  const startedAt = performance.now();
  socket.write("x");
  assert.equal(await heard(socket, comesMs), "echo x");
  // Timers may be a millisecond early.
  assert.ok(performance.now() - startedAt >= 190);
  quicken();
  socket.write("y");
  assert.equal(await heard(socket, comesMs), "echo y");
  socket.destroy();
});

test("data in transit over a slow pair is lost with its sender", async () => {
  const socket = await dial("a", "b");
  socket.write("x");
  assert.equal(await heard(socket, comesMs), "echo x");
  const quicken = network.slow(aToB, 300);
  accepted.at(-1)?.end("last words");
  const closed = once(socket, "close").then(() => undefined);
  assert.equal(await Promise.race([heard(socket, comesMs), closed]), undefined);
  quicken();
});

test("a cut that matches no pair is an error", () => {
  assert.throws(() => network.cut((from) => from === "nobody"), /nothing would be cut/);
});
