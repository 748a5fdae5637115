// Marks in three real databases: which starts are refused, and what an accepted start records.
import { temporaryFolder } from "@assent/topology";
import { redisUrlOf, type ServerProcess, startRedis } from "@assent/local-servers";
import { redisConnect } from "@assent/redis";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { readDatabaseSettings } from "./database-settings.ts";
import { markDatabases } from "./mark-databases.ts";
import { type Part, parts, send } from "./paused-databases.ts";

const folder = temporaryFolder();
const password = "secret";
const servers = new Map<Part, ServerProcess>();

before(async () => {
  for (const part of parts) {
    servers.set(part, await startRedis({ folder: join(folder.path, part), appendfsync: "always", password }));
  }
});

after(async () => {
  for (const server of servers.values()) await server.stop();
  folder.remove();
});

beforeEach(async () => {
  for (const part of parts) await ask(part, "FLUSHALL");
});

async function ask(part: Part, ...command: readonly string[]): Promise<unknown> {
  const port = await redisConnect({ url: redisUrlOf(servers.get(part) ?? { port: 0 }) })();
  try {
    return await send(port, command);
  } finally {
    port.close();
  }
}

const keyOf = (part: Part): string => `{assent-${part}}:marks`;

async function markOf(part: Part): Promise<string> {
  return String(await ask(part, "HGET", keyOf(part), "store"));
}

function start(accept = false): Promise<void> {
  const settingsOf = (part: Part) =>
    readDatabaseSettings({ REDIS_PORT: String(servers.get(part)?.port), REDIS_PASSWORD: password });
  const settings = { orders: settingsOf("orders"), stock: settingsOf("stock"), payment: settingsOf("payment") };
  return markDatabases({ settings, topology: "local", folder: "data/local", accept });
}

function assertRefused(says: RegExp): Promise<void> {
  return assert.rejects(start(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "stores_do_not_belong_together");
    assert.match(
      error.message,
      /in data\/local do not belong together\. Nothing was started, and no record was changed/,
    );
    assert.match(error.message, says);
    assert.match(error.message, /npx assent up --topology local --accept-stores/);
    return true;
  });
}

test("a database that is empty, older, or of another system is refused, and no record is changed", async () => {
  await start();
  const earlier = await markOf("stock");
  await start();
  const [now, orders] = [await markOf("stock"), await markOf("orders")];
  assert.notEqual(now, earlier);
  await ask("stock", "HSET", keyOf("stock"), "store", earlier);
  await assertRefused(/the database of stock is older than the database of orders: .* before the start of 20/);
  assert.deepEqual([await markOf("stock"), await markOf("orders")], [earlier, orders]);
  await ask("stock", "FLUSHALL");
  await assertRefused(/the database of stock is empty or belongs to another system/);
  await ask("stock", "HSET", keyOf("stock"), "store", now);
  await start();
  for (const part of parts) await ask(part, "FLUSHALL");
  await start();
  await ask("stock", "HSET", keyOf("stock"), "store", now);
  await assertRefused(/the database of stock and the database of orders belong to different systems/);
});

test("accepted problems are recorded, and the databases belong together from then on", async () => {
  await start();
  await ask("payment", "FLUSHALL");
  await assertRefused(/the database of payment is empty/);
  await start(true);
  await start();
  assert.match(await markOf("orders"), /"accepted":\[\{"at":\d+,"problems":\["the database of payment is empty/);
});

test("databases of an earlier version, without marks, are checked by their books", async () => {
  const account = { available: 5, held: 0, spent: 3, deposited: 8, withdrawn: 0 };
  await ask("payment", "HSET", "{assent-payment}:accounts", "u1", `s1 ${JSON.stringify(account)}`);
  await assertRefused(/credit of user u1: paid orders cost 0, the database of payment records 3 spent/);
  await ask("payment", "DEL", "{assent-payment}:accounts");
  await start();
  assert.doesNotMatch(await markOf("orders"), /adopted/);
});
