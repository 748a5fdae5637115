// Backups of the local topology: runs the commands of the documentation on a topology under load.
import { temporaryFolder } from "@assent/topology";
import { freePort } from "@assent/local-servers";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkOutUntil, command, commandsOf, isPaid, post, run, seed } from "./backup-page.ts";
import { openToOthers } from "./open-to-others.ts";
import { interrupt, type Started, until, up, urlOf } from "./up-process.ts";

const folder = temporaryFolder();
const started: Started[] = [];
after(() => {
  // A failed test leaves it running.
  for (const { child } of started) if (child.exitCode === null) child.kill("SIGKILL");
  folder.remove();
});
const place = (name: string): string => join(folder.path, name);
const section = (part: string): string => commandsOf("Local topology", part);

async function start(...words: readonly string[]): Promise<Started> {
  const port = String(await freePort());
  const instances = ["--order", "1", "--stock", "1", "--payment", "1"];
  const running = up(["--quiet", "--port", port, ...instances, ...words], { cwd: folder.path });
  started.push(running);
  return running;
}

/** Adds one paid order. */
async function buy(url: string): Promise<void> {
  const { order_id: order } = (await (await fetch(`${url}/orders/create/0`, { method: "POST" })).json()) as {
    order_id: string;
  };
  for (const path of [`/orders/addItem/${order}/0/1`, `/orders/checkout/${order}`]) {
    assert.equal(await post(url, path), 200, path);
  }
}

/** SIGKILL as soon as it has begun to write. */
async function killedBackup(target: string): Promise<void> {
  const child = spawn(process.execPath, [command, "backup", target, "--topology", "local"], { cwd: folder.path });
  const hasBegun = (): boolean => readdirSync(folder.path).some((name) => name.startsWith(`${target}.partial-`));
  await until(
    () => hasBegun() || child.exitCode !== null,
    () => "a backup begins",
  );
  child.kill("SIGKILL");
  await new Promise((resolve) => {
    child.on("close", resolve);
  });
}

test("a backup of a topology under load adds up, contains all acknowledged changes, and can be served", async () => {
  const first = await start();
  const url = await urlOf(first);
  const orders = 3_000;
  await seed(url, orders);
  const paid: number[] = [];
  const life = { isOver: false };
  const load = checkOutUntil(life, { url, orders, paid });
  await until(
    () => paid.length >= 100,
    () => "checkouts are paid",
  );
  await killedBackup("killed");
  const before = paid.slice(-200);
  const count = paid.length;
  const printed = await run(folder.path, section("assent backup"));
  assert.match(printed, /data\/local is backed up in .*local-monday; writes waited for [\d.]+ ms/);
  await until(
    () => paid.length > count,
    () => "checkouts are paid after the backup",
  );
  life.isOver = true;
  await load;
  assert.equal(existsSync(place("killed")), false);
  assert.deepEqual(openToOthers(place("backups/local-monday")), []);
  await assert.rejects(run(folder.path, section("assent backup")), /not empty; name a new one/);
  const inside = section("assent backup").replace("backups/local-monday", "data/local/redis-stock/new");
  await assert.rejects(
    run(folder.path, inside),
    /No backup was made in .*: it is inside the data folder .*data\/local; choose a folder outside it/,
  );
  const small = `ulimit -f 1; ${section("assent backup").replace("local-monday", "too-large")}`;
  await assert.rejects(run(folder.path, small), /No backup was made in .*too-large: EFBIG.*The data was not changed/);
  assert.deepEqual(readdirSync(place("backups")), ["local-monday"], "failed backups leave nothing");
  await interrupt(first);
  await assert.rejects(run(folder.path, section("assent backup").replace("monday", "later")), /no topology runs on/);

  await run(folder.path, section("mv data/local"));
  const second = await start();
  const again = await urlOf(second);
  for (const order of before) assert.ok(await isPaid(again, order), `order ${order}`);
  let audited = "";
  do audited = await run(folder.path, section("audit --topology"));
  while (!audited.includes("unfinished transactions: 0\n"));
  assert.match(audited, /everything adds up/);
  await buy(again);
  await interrupt(second);
});

test("databases that do not belong together are refused with a remedy, until accepted or restored", async () => {
  await run(folder.path, section("local-stopped"));
  const stock = place("data/local/redis-stock");
  rmSync(stock, { recursive: true });
  cpSync(place("backups/local-monday/redis-stock"), stock, { recursive: true });
  const refused = await start();
  await until(
    () => refused.child.exitCode !== null,
    () => `it ends: ${refused.printed()}`,
  );
  assert.equal(refused.child.exitCode, 1);
  const printed = refused.printed();
  assert.match(printed, /The stores in .*data\/local do not belong together\. Nothing was started, and no record/);
  assert.match(printed, /the database of stock is older than the database of orders: .* before the start of 20/);
  assert.match(printed, /backup-and-restore\.md[^]*npx assent up --topology local --accept-stores/);
  assert.doesNotMatch(printed, /^\s+at |order-0 answers/m);
  const accepted = await start("--accept-stores");
  await urlOf(accepted);
  await assert.rejects(
    run(folder.path, section("audit --topology")),
    /accepted on .*-stores: the database of stock is older than the database of orders[^]*WRONG: units of item 0: paid/,
  );
  await interrupt(accepted);

  rmSync(place("data/local.before"), { recursive: true });
  await run(folder.path, section("mv data/local").replace("local-monday", "local-stopped"));
  const restored = await start();
  await urlOf(restored);
  assert.match(await run(folder.path, section("audit --topology")), /everything adds up/);
  await interrupt(restored);

  const other = up(["--topology", "sentinel", "--data", "data/local"], { cwd: folder.path });
  await until(
    () => other.child.exitCode !== null,
    () => `it ends: ${other.printed()}`,
  );
  assert.match(other.printed(), /contains the data of the local topology\. Nothing was started/);
});
