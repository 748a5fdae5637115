// Backups of the embedded topology: runs the commands of the documentation on a system under load.
import { serveCheckout, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { audit } from "../../checkout/cli/src/audit.ts";
import { checkOutUntil, commandsOf, isPaid, post, run, seed } from "./backup-page.ts";

test("a backup under load adds up, contains all acknowledged changes, and can be served", async () => {
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

test("files copied from a running system are refused; its folder after a kill can be served and saved", async () => {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const served = await serveCheckout({ dataFolder: data });
  await seed(served.url, 10);
  assert.equal(await post(served.url, "/orders/checkout/3"), 200);
  const copy = join(folder.path, "copy");
  mkdirSync(copy);
  for (const name of ["orders.db", "stock.db", "payment.db"]) cpSync(join(data, name), join(copy, name));
  await assert.rejects(
    serveCheckout({ dataFolder: copy }),
    /orders.db was copied without its log while the system was running/,
  );
  assert.match(audit(copy).findings[0] ?? "", /orders.db was copied without its log while the system was running/);
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
