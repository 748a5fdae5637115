// The commands of docs/how-to/backup-and-restore.md, as they are written there, on a system under load.
import { closedLoop } from "@assent/bench";
import { serveCheckout, startLocalTopology, temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { audit } from "../../apps/cli/src/audit.ts";
import { lockDataFolder } from "../../apps/cli/src/embedded/data-folder.ts";

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const command = pathOf("apps/cli/bin/assent.mjs");
const page = readFileSync(pathOf("docs/how-to/backup-and-restore.md"), "utf8");

/** The commands of a section, each with the given part in it. */
function commandsOf(section: string, part: string): string {
  const text = page.slice(page.indexOf(`\n## ${section}`) + 1).split("\n## ")[0] ?? "";
  const blocks = [...text.matchAll(/```\n([^]*?)```/g)].map(([, block]) => block ?? "");
  const block = blocks.find((each) => each.includes(part));
  assert.ok(block !== undefined, `${section} has no commands with ${part}`);
  return block;
}

/** Runs commands as in a shell of a reader of the page. @throws Error with the output when a command fails */
function run(folder: string, commands: string): Promise<string> {
  const script = commands.replaceAll("npx assent", `'${process.execPath}' '${command}'`);
  return new Promise((resolve, reject) => {
    execFile("sh", ["-ec", script], { cwd: folder }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stdout + stderr, { cause: error }));
    });
  });
}

async function post(url: string, path: string): Promise<number> {
  return (await fetch(url + path, { method: "POST" })).status;
}

async function seed(url: string, orders: number): Promise<void> {
  for (const path of ["/stock/batch_init/20/100000/1", "/payment/batch_init/20/100000"]) {
    assert.equal(await post(url, path), 200);
  }
  assert.equal(await post(url, `/orders/batch_init/${orders}/20/20/1`), 200);
}

async function isPaid(url: string, order: number): Promise<boolean> {
  const found = (await (await fetch(`${url}/orders/find/${order}`)).json()) as { paid: boolean };
  return found.paid;
}

interface Load {
  readonly url: string;
  readonly orders: number;
  /** Gets those that were answered 200. */
  readonly paid: number[];
}

/** Runs one small round after another until it is stopped. */
async function checkOutUntil(life: { readonly isOver: boolean }, { url, orders, paid }: Load): Promise<void> {
  const round = 100;
  for (let first = 0; !life.isOver; first = (first + round) % orders) {
    await closedLoop({
      url,
      connections: 32,
      paths: Array.from({ length: round }, (_, order) => `/orders/checkout/${first + order}`),
      onReply: (order, { status }) => status === 200 && paid.push(first + order),
    });
  }
}

test("a backup under load adds up, holds what was answered before it, and is served again", async () => {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const served = await serveCheckout({ dataFolder: data });
  const orders = 20_000;
  await seed(served.url, orders);
  const paid: number[] = [];
  const life = { isOver: false };
  const load = checkOutUntil(life, { url: served.url, orders, paid });
  while (paid.length < 100) await new Promise(setImmediate);
  const before = [...paid];
  const printed = await run(folder.path, commandsOf("Embedded", "assent backup"));
  assert.match(printed, /is backed up in .*monday/);
  assert.ok(paid.length > before.length, "it was made under load");
  life.isOver = true;
  assert.match(await run(folder.path, commandsOf("Embedded", "audit --data")), /everything adds up/);
  assert.equal(statSync(join(folder.path, "backups/monday")).mode & 0o077, 0, "for its owner alone");
  await assert.rejects(run(folder.path, commandsOf("Embedded", "assent backup")), /not empty; name a new one/);
  await load;
  assert.equal(await served.stop(), 0);
  assert.ok(!existsSync(join(data, "control.sock")));
  assert.match(await run(folder.path, commandsOf("Embedded", "mv data")), /everything adds up/);

  const again = await serveCheckout({ dataFolder: data });
  for (const order of before) assert.ok(await isPaid(again.url, order), `order ${order}`);
  for (const order of before.slice(0, 20)) assert.equal(await post(again.url, `/orders/checkout/${order}`), 200);
  assert.equal(await again.stop(), 0);
  assert.deepEqual(audit(data).findings, []);
  folder.remove();
});

test("files copied from a running system are refused; its folder after a kill is served, and backed up", async () => {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const served = await serveCheckout({ dataFolder: data });
  await seed(served.url, 10);
  assert.equal(await post(served.url, "/orders/checkout/3"), 200);
  const copy = join(folder.path, "copy");
  mkdirSync(copy);
  for (const name of ["orders.db", "stock.db", "payment.db"]) cpSync(join(data, name), join(copy, name));
  await assert.rejects(serveCheckout({ dataFolder: copy }), /orders.db was copied alone while the system was running/);
  assert.match(audit(copy).findings[0] ?? "", /orders.db was copied alone while the system was running/);
  await served.kill();
  const whole = join(folder.path, "whole");
  cpSync(data, whole, { recursive: true });
  await run(folder.path, commandsOf("Embedded", "assent backup"));
  assert.match(await run(folder.path, commandsOf("Embedded", "audit --data")), /orders +1 of 10 paid/);
  assert.equal(await (await serveCheckout({ dataFolder: whole })).stop(), 0);
  assert.deepEqual(audit(whole).findings, []);
  // In a stopped system, each file is complete.
  const files = join(folder.path, "files");
  mkdirSync(files);
  for (const name of ["orders.db", "stock.db", "payment.db"]) cpSync(join(whole, name), join(files, name));
  assert.equal(await (await serveCheckout({ dataFolder: files })).stop(), 0);
  folder.remove();
});

test("the folder of a topology of servers, copied while it is stopped, is the same topology again", async () => {
  const folder = temporaryFolder();
  const data = join(folder.path, "data/local");
  const options = { folder: data, instances: { order: 1, stock: 1, payment: 1 } };
  const first = await startLocalTopology(options);
  await seed(first.url, 10);
  assert.equal(await post(first.url, "/orders/checkout/3"), 200);
  await first.stop();
  mkdirSync(join(folder.path, "backups"));
  await run(folder.path, commandsOf("Local topology", "cp -r data/local backups"));
  await run(folder.path, commandsOf("Local topology", "mv data/local"));
  const second = await startLocalTopology(options);
  assert.equal(await isPaid(second.url, 3), true);
  assert.equal(await isPaid(second.url, 4), false);
  assert.equal(await post(second.url, "/orders/checkout/4"), 200);
  // Locked as `assent up` locks it.
  const lock = lockDataFolder(data, "start");
  const audited = await run(folder.path, commandsOf("Local topology", "audit --topology"));
  assert.match(audited, /orders +2 of 10 paid[^]*everything adds up/);
  lock.release();
  await second.stop();
  folder.remove();
});
