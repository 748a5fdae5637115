import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import { redisConnect } from "./redis-client-port.ts";
import { RedisErrorReply } from "./redis-port.ts";

const server = await TestServer.start();
after(() => server.stop());

test("commands are answered in order, and an error reply is a reply", async () => {
  const port = await server.connect();
  const replies = await port.send([
    ["SET", "x", "ü"],
    ["LPUSH", "x", "1"],
    ["GET", "x"],
    ["HMGET", "nothing", "a"],
  ]);
  assert.deepEqual([replies[0], replies[2], replies[3]], ["OK", "ü", [null]]);
  assert.ok(replies[1] instanceof RedisErrorReply);
  assert.equal(replies[1].code, "WRONGTYPE");
  port.close();
});

test("overlapping calls are answered in order", async () => {
  const port = await server.connect();
  const lists = await Promise.all(
    Array.from({ length: 50 }, () =>
      port.send([
        ["INCR", "n"],
        ["INCR", "n"],
      ]),
    ),
  );
  assert.deepEqual(
    lists.flat(),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  port.close();
});

test("M2 a killed connection loses its replies, is not opened again, and keeps no command", async () => {
  const [port, admin] = await Promise.all([server.connect(), server.connect()]);
  await port.send([["SET", "y", "before"]]);
  const [id] = await port.send([["CLIENT", "ID"]]);
  await admin.send([["CLIENT", "PAUSE", "60000", "WRITE"]]);
  const blocked = assert.rejects(port.send([["SET", "y", "after"]]), { code: "replies_lost", sent: true });
  // Until the server holds it back.
  for (let text = ""; !text.includes("cmd=set");)
    text = String(await admin.send([["CLIENT", "LIST", "ID", String(id)]]));
  await admin.send([
    ["CLIENT", "KILL", "ID", String(id)],
    ["CLIENT", "UNPAUSE"],
  ]);
  await blocked;
  await assert.rejects(port.send([["SET", "y", "after"]]), { code: "replies_lost", sent: false });
  assert.deepEqual(await admin.send([["GET", "y"]]), ["before"]);
  admin.close();
});

test("replies that do not arrive in time are lost", async () => {
  const port = await redisConnect({ url: server.url, replyMs: 50 })();
  server.process.pause();
  const lost = assert.rejects(port.send([["PING"]]), { code: "replies_lost", sent: true });
  await lost;
  server.process.resume();
});

test("closing loses the pending replies", async () => {
  const port = await server.connect();
  const lost = assert.rejects(port.send([["BLPOP", "nothing", "0"]]), { code: "replies_lost", sent: true });
  port.close();
  await lost;
  port.close();
});
