// Each server really starts, is killed, comes back with its durable data, and never outlives its parent process.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { freePort } from "./free-port.ts";
import { startHaproxy } from "./haproxy.ts";
import { startNats } from "./nats.ts";
import { startRedis } from "./redis.ts";
import { converseWithRedis } from "./redis-conversation.ts";
import { ServerNotStarted, type ServerProcess } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

const folder = new TemporaryFolder();
const waitMs = 60_000;
const deadlineMs = 60_000;

after(() => folder.remove());

async function redisAnswer({ port }: { readonly port: number }, command: string): Promise<string | undefined> {
  return converse({
    port,
    text: `${command}\r\n`,
    isComplete: (text) => /^([+\-:].*|\$-1)\r\n|^\$.*\r\n.*\r\n/.test(text),
    waitMs,
  });
}

/** One request to a NATS server, in its own protocol. */
async function natsAnswer({ port }: ServerProcess, subject: string, payload: string): Promise<string> {
  const publish = `PUB ${subject} reply ${payload.length}\r\n${payload}\r\n`;
  const text = `CONNECT {"verbose":false}\r\nSUB reply 1\r\n${publish}`;
  const received = await converse({ port, text, isComplete: (all) => /MSG reply.*\r\n.*\r\n/.test(all), waitMs });
  return received ?? "nothing";
}

async function answersNothing(port: number): Promise<boolean> {
  return (await converse({ port, text: "", isComplete: () => true, waitMs })) === undefined;
}

/** Polls until it holds. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not within ${deadlineMs} ms: ${what}`);
    await delay(20);
  }
}

test("Redis with a file keeps acknowledged writes after a kill and a stop", async () => {
  const redis = await startRedis({ folder: join(folder.path, "redis"), appendfsync: "always" });
  const { port } = redis;
  assert.equal(await redisAnswer(redis, "SET kept 1"), "+OK\r\n");
  const { pid } = redis;
  await redis.kill();
  assert.equal(redis.hasEnded, true);
  assert.ok(await answersNothing(port));
  await redis.restart();
  assert.notEqual(redis.pid, pid);
  assert.equal(await redisAnswer({ port }, "INCR kept"), ":2\r\n");
  await redis.restart();
  assert.equal(await redisAnswer({ port }, "INCR kept"), ":3\r\n");
  await redis.stop();
  assert.ok(await answersNothing(port));
});

test("Redis without a file keeps nothing, and applies further settings", async () => {
  const redis = await startRedis({ folder: join(folder.path, "redis-memory"), settings: ["maxclients 77"] });
  assert.equal(await redisAnswer(redis, "SET kept 1"), "+OK\r\n");
  const info = {
    port: redis.port,
    text: "INFO clients\r\n",
    isComplete: (all: string) => all.includes("maxclients:77\r"),
    waitMs,
  };
  assert.match((await converse(info)) ?? "", /maxclients:77/);
  await redis.kill();
  await redis.restart();
  assert.equal(await redisAnswer(redis, "GET kept"), "$-1\r\n");
  await redis.stop();
});

test("Redis with a password refuses clients without it, even if it required none before", async () => {
  const at = join(folder.path, "guarded");
  const open = await startRedis({ folder: at, isWatched: true });
  const rewritten = await converse({
    port: open.port,
    text: "ACL SETUSER default nopass\r\nCONFIG REWRITE\r\n",
    isComplete: (text) => text.includes("OK\r\n+OK"),
    waitMs,
  });
  assert.ok(rewritten !== undefined);
  await open.stop();
  for (let life = 0; life < 2; life += 1) {
    const guarded = await startRedis({ folder: at, port: open.port, isWatched: true, password: "abc123" });
    const ping = { text: "PING\r\n", isComplete: (text: string) => text.includes("\r\n"), waitMs };
    assert.match((await converse({ port: guarded.port, ...ping })) ?? "", /^-NOAUTH/);
    assert.equal(await converseWithRedis(guarded, ping), "+PONG\r\n");
    await guarded.stop();
  }
});

test("NATS keeps streams in files after a kill, and loses those in memory", async () => {
  const nats = await startNats({ folder: join(folder.path, "nats"), maxPayloadBytes: 4_096 });
  for (const storage of ["file", "memory"]) {
    const stream = { name: storage, subjects: [storage], storage };
    assert.match(
      await natsAnswer(nats, `$JS.API.STREAM.CREATE.${storage}`, JSON.stringify(stream)),
      /"did_create":true/,
    );
    assert.match(await natsAnswer(nats, storage, "message"), /"seq":1/);
  }
  await nats.kill();
  await nats.restart();
  assert.match(await natsAnswer(nats, "$JS.API.STREAM.INFO.file", ""), /"messages":1/);
  assert.match(await natsAnswer(nats, "$JS.API.STREAM.INFO.memory", ""), /stream not found/);
  const info = await converse({ port: nats.port, text: "", isComplete: (text) => text.includes("\r\n"), waitMs });
  assert.match(info ?? "", /"max_payload":4096/);
  await nats.stop();
  assert.ok(await answersNothing(nats.port));
});

test("a paused server answers nothing until it is resumed, and can be stopped while it is paused", async () => {
  const redis = await startRedis({ folder: join(folder.path, "paused") });
  redis.pause();
  const states = existsSync("/proc/self/stat") ? readFileSync(`/proc/${redis.pid}/stat`, "utf8") : "(redis) T 1";
  assert.match(states, /\) T /, "it has stopped when that returns");
  const ping = { port: redis.port, text: "PING\r\n", isComplete: (text: string) => text.startsWith("+PONG") };
  assert.equal(await converse({ ...ping, waitMs: 300 }), undefined);
  redis.resume();
  assert.match((await converse({ ...ping, waitMs })) ?? "", /PONG/);
  redis.pause();
  await redis.stop();
  assert.match(redis.log(), /User requested shutdown/, "it was not killed");
});

async function get(port: number): Promise<string | undefined> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}`)).text();
  } catch {
    return undefined;
  }
}

test("HAProxy serves its configuration, and comes back on its port", async () => {
  const haproxy = await startHaproxy({
    folder: join(folder.path, "haproxy"),
    answers: async (port) => (await get(port)) === "here",
    files: { "own.http": "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n" },
    config: (port) =>
      [
        "defaults",
        "  mode http",
        "  timeout client 1s",
        "  timeout connect 1s",
        "  timeout server 1s",
        "frontend all",
        `  bind 127.0.0.1:${port}`,
        "  errorfile 404 own.http",
        "  http-request return status 200 content-type text/plain string here if { path / }",
        "  http-request return status 404 default-errorfiles",
        "",
      ].join("\n"),
  });
  const url = `http://127.0.0.1:${haproxy.port}`;
  assert.equal(await (await fetch(url)).text(), "here");
  assert.equal((await fetch(`${url}/other`)).status, 418);
  await haproxy.kill();
  await assert.rejects(fetch(url));
  await haproxy.restart();
  assert.equal(await (await fetch(url)).text(), "here");
  await haproxy.stop();
});

test("a server that does not start is reported with its log", async () => {
  const answers = async (): Promise<boolean> => false;
  const wrong = { folder: join(folder.path, "wrong"), answers, config: (): string => "no such section\n" };
  await assert.rejects(startHaproxy(wrong), (error: unknown) => {
    assert.ok(error instanceof ServerNotStarted);
    assert.equal(error.code, "server_not_started");
    assert.match(error.message, /unknown keyword 'such'/);
    return true;
  });
});

test("a port of another process is not taken for ours", async () => {
  for (const start of [startRedis, startNats]) {
    const first = await start({ folder: join(folder.path, `first-${start.name}`) });
    const second = { folder: join(folder.path, `second-${start.name}`), port: first.port };
    await assert.rejects(start(second), (error: unknown) => error instanceof ServerNotStarted && error.isPortTaken);
    assert.equal(first.hasEnded, false, "the first one is untouched");
    await first.stop();
  }
});

test("no server outlives its parent, even a killed one", async () => {
  const kit = fileURLToPath(new URL("../test-kit/starting-process.ts", import.meta.url));
  const parent = spawn(process.execPath, [kit, join(folder.path, "orphans")], { stdio: ["ignore", "pipe", "inherit"] });
  const [printed] = (await once(parent.stdout, "data")) as [Buffer];
  const ports = JSON.parse(printed.toString()) as number[];
  assert.equal(ports.length, 2);
  for (const port of ports) assert.equal(await answersNothing(port), false);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await until(async () => (await Promise.all(ports.map(answersNothing))).every(Boolean), "both servers are gone");
});

test("free ports differ and can be listened on", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.ok(new Set(ports).size > 10);
  assert.ok(ports.every((port) => port < 32_768));
});
