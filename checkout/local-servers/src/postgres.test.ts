// A PostgreSQL server that is started, is killed, and comes back with what it acknowledged.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { after, test } from "node:test";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { crashPostgres, postgresUser, startPostgres } from "./postgres.ts";
import { ServerNotStarted } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

const folders: TemporaryFolder[] = [];
const waitMs = 60_000;

after(() => folders.forEach((folder) => folder.remove()));

function newFolder(): string {
  const folder = new TemporaryFolder();
  folders.push(folder);
  return folder.path;
}

/** What a server answers to one statement: all messages of a session of its own, as text. */
async function answerTo({ port }: { readonly port: number }, statement: string): Promise<string> {
  const message = (text: string): string => `\0\0\0${String.fromCharCode(text.length + 4)}${text}`;
  const text = `${message(`\0\x03\0\0user\0${postgresUser}\0\0`)}Q${message(`${statement}\0`)}`;
  const isComplete = (all: string): boolean => all.split("Z\0\0\0\x05I").length > 2 || all.startsWith("E");
  return (await converse({ port, text, isComplete, waitMs })) ?? "nothing";
}

test("PostgreSQL keeps what it acknowledged over a kill and a stop, as a user without rights", async () => {
  const server = await startPostgres({ folder: newFolder() });
  const { pid } = server;
  assert.match(await answerTo(server, "CREATE TABLE kept AS SELECT 7 AS number"), /SELECT 1/);
  await crashPostgres(server);
  assert.notEqual(server.pid, pid);
  assert.match(await answerTo(server, "INSERT INTO kept VALUES (8)"), /INSERT 0 1/);
  await server.restart();
  assert.match(await answerTo(server, "SELECT sum(number) FROM kept"), /15/);
  assert.match(await answerTo(server, "SHOW fsync"), /on/);
  if (process.getuid?.() === 0) assert.notEqual(statSync(`/proc/${server.pid}`).uid, 0);
  await server.stop();
  assert.equal(await converse({ port: server.port, text: "", isComplete: () => true, waitMs }), undefined);
});

test("PostgreSQL obeys further settings, and ends its sessions when it is stopped", async () => {
  const options = { folder: newFolder(), fsync: false, settings: ["max_connections=17"] };
  const server = await startPostgres(options);
  assert.match(await answerTo(server, "SHOW max_connections"), /17/);
  assert.match(await answerTo(server, "SHOW fsync"), /off/);
  const asleep = answerTo(server, "SELECT pg_sleep(3600)");
  const isAsleep = "SELECT 'asleep' FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
  const deadline = performance.now() + waitMs;
  while (!(await answerTo(server, isAsleep)).includes("asleepC")) assert.ok(performance.now() < deadline);
  await server.stop();
  assert.match(server.log(), /database system is shut down/);
  await asleep;
});

test("another server on its port is not taken for it", async () => {
  const other = createServer((socket) => socket.end("Z\0\0\0\x05I"));
  other.listen(0, "127.0.0.1").unref();
  await once(other, "listening");
  const address = other.address();
  assert.ok(typeof address === "object" && address !== null);
  const starting = startPostgres({ folder: newFolder(), port: address.port });
  await assert.rejects(starting, (error) => error instanceof ServerNotStarted && error.isPortTaken);
  other.close();
});
