// Passages over real sockets.
import { freePort } from "@assent/local-servers";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { CutNetwork, type Pairs } from "./cut-network.ts";

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

/** What comes within a while; undefined: nothing. */
async function heard(socket: Socket, waitMs: number): Promise<string | undefined> {
  const came = once(socket, "data").then(([chunk]) => String(chunk));
  return Promise.race([came, pause(waitMs).then(() => undefined)]);
}

test("a cut is silent, of one pair only, and what was sent across it arrives when it is healed", async () => {
  const [cut, other] = [await dial("a", "b"), await dial("c", "b")];
  cut.write("before");
  assert.equal(await heard(cut, 2_000), "echo before");
  const heal = network.cut(aToB);
  let closed = false;
  cut.on("close", () => (closed = true));
  cut.write("during");
  other.write("other");
  assert.equal(await heard(other, 2_000), "echo other");
  assert.equal(await heard(cut, 150), undefined);
  const late = await dial("a", "b");
  late.write("late");
  assert.equal(await heard(late, 150), undefined, "nor does a new connection get through");
  assert.equal(closed, false);
  heal();
  const [first, second] = await Promise.all([heard(cut, 2_000), heard(late, 2_000)]);
  assert.deepEqual([first, second], ["echo during", "echo late"]);
  for (const socket of [cut, other, late]) socket.destroy();
});

test("a death across a cut is not heard of before it is healed", async () => {
  const socket = await dial("a", "b");
  socket.write("x");
  await heard(socket, 2_000);
  const heal = network.cut(aToB);
  accepted.at(-1)?.destroy();
  const closed = once(socket, "close").then(() => true);
  assert.equal(await Promise.race([closed, pause(150).then(() => false)]), false);
  heal();
  assert.equal(await Promise.race([closed, pause(2_000).then(() => false)]), true);
});

test("a slow pair is slow each way, in order, and quick again afterwards", async () => {
  const socket = await dial("a", "b");
  const quicken = network.slow(aToB, 100);
  const startedAt = performance.now();
  socket.write("x");
  assert.equal(await heard(socket, 2_000), "echo x");
  // Timers may be a millisecond early.
  assert.ok(performance.now() - startedAt >= 190);
  quicken();
  socket.write("y");
  assert.equal(await heard(socket, 2_000), "echo y");
  socket.destroy();
});

test("what is on its way over a slow pair is lost with whoever sent it", async () => {
  const socket = await dial("a", "b");
  socket.write("x");
  assert.equal(await heard(socket, 2_000), "echo x");
  const quicken = network.slow(aToB, 300);
  accepted.at(-1)?.end("last words");
  const closed = once(socket, "close").then(() => undefined);
  assert.equal(await Promise.race([heard(socket, 2_000), closed]), undefined);
  quicken();
});

test("a cut of nobody is a mistake", () => {
  assert.throws(() => network.cut((from) => from === "nobody"), /nothing would be cut/);
});
