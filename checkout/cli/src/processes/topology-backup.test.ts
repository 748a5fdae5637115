// Backups of three real servers under writers whose writes to one server depend on those to another.
import { temporaryFolder } from "@assent/topology";
import { redisUrlOf, type ServerProcess, startRedis } from "@assent/local-servers";
import { redisConnect, type RedisPort } from "@assent/redis";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { BackupFailed } from "../backup-folder.ts";
import { type DatabaseSettings, readDatabaseSettings } from "./database-settings.ts";
import { type OfEach, onDatabases, type Part, parts, send, whilePaused } from "./paused-databases.ts";
import { backUpTopology } from "./topology-backup.ts";

const folder = temporaryFolder();
const place = (name: string): string => join(folder.path, name);
const nameOf = { orders: "redis-order", stock: "redis-stock", payment: "redis-payment" } as const;
const password = "secret";
const chains = Array.from({ length: 16 }, (_, index) => `c${index}`);
let servers: OfEach<ServerProcess>;
let settings: OfEach<DatabaseSettings>;

function startAll(of: string): Promise<OfEach<ServerProcess>> {
  const start = (part: Part): Promise<ServerProcess> =>
    startRedis({ folder: join(place(of), nameOf[part]), appendfsync: "always", password });
  return each(start);
}

async function each<T>(work: (part: Part) => Promise<T>): Promise<OfEach<T>> {
  const [orders, stock, payment] = await Promise.all([work("orders"), work("stock"), work("payment")]);
  return { orders, stock, payment };
}

const connect = (server: ServerProcess): Promise<RedisPort> => redisConnect({ url: redisUrlOf(server) })();

const settingsOf = ({ port }: ServerProcess): DatabaseSettings =>
  readDatabaseSettings({ REDIS_PORT: String(port), REDIS_PASSWORD: password });

before(async () => {
  servers = await startAll("data");
  settings = {
    orders: settingsOf(servers.orders),
    stock: settingsOf(servers.stock),
    payment: settingsOf(servers.payment),
  };
});

after(async () => {
  await Promise.all(parts.map((part) => servers[part].stop()));
  folder.remove();
});

/** Increments one server after another until stopped: no server is ever ahead of the one before it. */
async function countUp(ports: OfEach<RedisPort>, chain: string, life: { readonly isOver: boolean }): Promise<void> {
  while (!life.isOver) for (const part of parts) await send(ports[part], ["HINCRBY", "chains", chain, "1"]);
}

type Counts = ReadonlyMap<string, number>;

async function countsOf(port: RedisPort): Promise<Counts> {
  const texts = (await send(port, ["HGETALL", "chains"])) as readonly string[];
  return new Map(texts.flatMap((text, at) => (at % 2 === 0 ? [[text, Number(texts[at + 1])] as const] : [])));
}

function assertOneMoment(what: string, { orders, stock, payment }: OfEach<Counts>): void {
  for (const chain of chains) {
    const [first = 0, second = 0, third = 0] = [orders, stock, payment].map((counts) => counts.get(chain));
    const is = `${what}, ${chain}: ${first} ${second} ${third}`;
    assert.ok(first >= second && second >= third && third >= first - 1, is);
  }
}

/** Starts the servers of a backup on it; returns the counts of each. */
async function countsIn(target: string): Promise<OfEach<Counts>> {
  const started = await startAll(target);
  const counts = await each(async (part) => {
    const port = await connect(started[part]);
    const found = await countsOf(port);
    port.close();
    return found;
  });
  await Promise.all(parts.map((part) => started[part].stop()));
  return counts;
}

test("backups under load are of one point in time, even during rewrites and with two at once", async () => {
  const life = { isOver: false };
  const ports = await each((part) => connect(servers[part]));
  const writing = chains.map((chain) => countUp(ports, chain, life));
  const targets = ["b0", "b1", "b2", "b3"];
  const backUp = (target: string): Promise<number> =>
    backUpTopology({ topology: "local", settings, target: place(target) });
  await backUp("b0");
  await backUp("b1");
  await send(ports.stock, ["BGREWRITEAOF"]);
  await Promise.all([backUp("b2"), backUp("b3")]);
  // However far apart the three are read.
  const work = async (port: RedisPort, part: Part): Promise<Counts> => {
    await pause(100 * parts.indexOf(part));
    return countsOf(port);
  };
  const { found } = await onDatabases(settings, (all) => whilePaused(all, { settings, limitMs: 60_000, work }));
  assert.ok(found !== undefined);
  assertOneMoment("read", found);
  life.isOver = true;
  await Promise.all(writing);
  for (const part of parts) ports[part].close();
  let last = 0;
  for (const target of targets) {
    const counts = await countsIn(target);
    assertOneMoment(target, counts);
    const sum = [...counts.orders.values()].reduce((total, count) => total + count, 0);
    assert.ok(sum >= last, "a later backup contains everything an earlier one has");
    last = sum;
  }
  assert.ok(last > 0);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ["b0", "b1", "b2", "b3", "data"], "nothing else is left");
});

test("a write in between is detected, and a lasting rewrite ends the attempts with a remedy", async () => {
  const port = await connect(servers.payment);
  const meddler = await connect(servers.payment);
  let meddles = 1;
  const work = async (): Promise<void> => {
    if (meddles === 0) return;
    meddles -= 1;
    await send(meddler, ["CLIENT", "UNPAUSE"]);
    await send(meddler, ["INCR", "meddled"]);
  };
  const attempt = () => onDatabases(settings, (ports) => whilePaused(ports, { settings, limitMs: 2_000, work }));
  assert.equal((await attempt()).found, undefined);
  assert.notEqual((await attempt()).found, undefined);

  // Another child of the server keeps the rewrite waiting as long as it runs.
  await send(port, ["CONFIG", "SET", "rdb-key-save-delay", "2000000"]);
  await send(port, ["BGSAVE"]);
  await send(port, ["BGREWRITEAOF"]);
  const limits = { attemptsMax: 2, betweenMs: 1 };
  await assert.rejects(backUpTopology({ topology: "local", settings, target: place("never"), limits }), {
    code: "backup_failed",
    message: new RegExp(
      "No backup was made in .*never: all three .* in 2 attempts \\(last reason: the database of payment is " +
        "rewriting its append-only file\\); try again.* The data was not changed\\.$",
    ),
  });
  assert.equal(existsSync(place("never")), false);
  // A write that must be answered at once: the failed attempts have left no pause.
  await send(meddler, ["CONFIG", "SET", "rdb-key-save-delay", "0"]);
  await send(meddler, ["INCR", "meddled"]);
  for (const each of [port, meddler]) each.close();
});

test("a server that dies meanwhile is named, and the others continue at once", async () => {
  const work = (_port: RedisPort, part: Part): Promise<void> =>
    part === "stock" ? servers.stock.restart() : Promise.resolve();
  await assert.rejects(
    onDatabases(settings, (ports) => whilePaused(ports, { settings, limitMs: 600_000, work })),
    { code: "database_unreadable", message: new RegExp(`:${servers.stock.port}/0.*Nothing was changed`) },
  );
  for (const part of parts) {
    const port = await connect(servers[part]);
    await send(port, ["INCR", "counter"]);
    port.close();
  }
  await servers.payment.kill();
  await assert.rejects(backUpTopology({ topology: "local", settings, target: place("down") }), (error) => {
    assert.ok(error instanceof BackupFailed);
    assert.match(error.message, /the database cannot be read: .*ECONNREFUSED.*The data was not changed\.$/);
    return true;
  });
  await servers.payment.restart();
  assert.equal(existsSync(place("down")), false);
});

test("an unusable target is refused, and its contents stay", async () => {
  mkdirSync(place("full"));
  writeFileSync(place("full/other"), "theirs");
  writeFileSync(place("file"), "theirs");
  for (const [target, says] of [
    ["full", /the folder is not empty; name a new one\. The data was not changed/],
    ["file/below", /ENOTDIR|EEXIST/],
  ] as const) {
    await assert.rejects(backUpTopology({ topology: "local", settings, target: place(target) }), {
      code: "backup_failed",
      message: says,
    });
  }
  assert.deepEqual(readdirSync(place("full")), ["other"]);
});
