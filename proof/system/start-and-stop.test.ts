// A start that cannot succeed reports the reason in one line and leaves nothing behind; a stop interrupts no request.
import { serveCheckout, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { openToOthers } from "./open-to-others.ts";
import { readSettings } from "../../checkout/cli/src/settings.ts";

const command = fileURLToPath(new URL("../../checkout/cli/bin/assent.mjs", import.meta.url));

interface FailedStart {
  readonly code: number | null;
  readonly printed: string;
}

/** Serves until it ends on its own, or is seen to accept requests: then it is killed. */
async function start({ data, host = "127.0.0.1" }: { data: string; host?: string }): Promise<FailedStart> {
  const child = spawn(process.execPath, [command, "serve", "--data", data, "--host", host, "--port", "0"]);
  let printed = "";
  const read = (chunk: unknown): void => {
    printed += String(chunk);
    if (printed.includes("served on")) child.kill("SIGKILL");
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, printed };
}

function assertExplained({ code, printed }: FailedStart, ...parts: RegExp[]): void {
  assert.equal(code, 1, printed);
  for (const part of parts) assert.match(printed, part);
  assert.doesNotMatch(printed, /^\s+at /m, "a stack trace explains nothing");
}

test("an unusable data folder is reported, with the setting to change, before any request is accepted", async () => {
  const folder = temporaryFolder();
  const place = (name: string): string => join(folder.path, name);
  writeFileSync(place("file"), "");
  mkdirSync(join(place("lock-is-folder"), "lock.db"), { recursive: true });
  mkdirSync(join(place("store-is-folder"), "orders.db"), { recursive: true });
  mkdirSync(place("store-is-noise"));
  writeFileSync(join(place("store-is-noise"), "stock.db"), "no database at all\n".repeat(500));
  const names = ["file", "lock-is-folder", "store-is-folder", "store-is-noise"];
  const starts = await Promise.all(names.map((name) => start({ data: place(name) })));
  assertExplained(await start({ data: "/proc/nowhere/data" }), /cannot be used as data folder/, /--data/);
  for (const [index, failed] of starts.entries()) {
    assertExplained(failed, new RegExp(`${names[index]} cannot be used`), /Nothing was started/, /ASSENT_DATA/);
  }
  folder.remove();
});

test("a data folder becomes private to its owner, even an existing one, and nothing else is changed", async () => {
  const folder = temporaryFolder();
  const data = join(folder.path, "above", "data");
  await start({ data });
  assert.deepEqual(openToOthers(join(folder.path, "above")), []);
  chmodSync(data, 0o755);
  await start({ data });
  assert.deepEqual(openToOthers(data), []);

  const home = join(folder.path, "home");
  mkdirSync(home);
  writeFileSync(join(home, "letter.txt"), "");
  chmodSync(home, 0o755);
  await start({ data: home });
  assert.deepEqual(openToOthers(home), [home, join(home, "letter.txt")]);
  folder.remove();
});

test("commands that read a folder do not change a folder of something else", () => {
  const folder = temporaryFolder();
  for (const words of [["audit"], ["history", "0"]]) {
    const { status, stderr } = spawnSync(process.execPath, [command, ...words, "--data", folder.path], {
      encoding: "utf8",
    });
    assertExplained({ code: status, printed: stderr }, /no data of `assent serve` found/, /nothing was created/);
  }
  assert.deepEqual(readdirSync(folder.path), []);
  folder.remove();
});

test("an address of another machine is reported", async () => {
  const folder = temporaryFolder();
  const data = folder.path;
  // An address for documentation (RFC 5737), which no machine has.
  assertExplained(await start({ data, host: "203.0.113.5" }), /Cannot listen on 203\.0\.113\.5/, /HOST/);
  folder.remove();
});

test("a port is written in digits and nothing else", () => {
  for (const port of ["1e3", "0x50", " 80", " ", "+80", "-1", "8_000", "80.0", "65536"]) {
    assert.throws(() => readSettings({ PORT: port }), { name: "InvalidSettings", message: /PORT/ }, port);
  }
  const ports = [undefined, "", "0", "80", "65535"].map((port) => readSettings({ PORT: port }).PORT);
  assert.deepEqual(ports, [8_000, 8_000, 0, 80, 65_535]);
});

test("a stop during a long request still answers it, and accepts no new ones", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path });
  // In four steps: they continue after the first is done, and end long before the stop's deadline.
  const seeding = fetch(`${served.url}/orders/batch_init/20000/10/10/1`, { method: "POST" });
  for (let status = 400; status !== 200;) status = (await fetch(`${served.url}/orders/find/0`)).status;
  const stopped = served.stop();
  const answer = await seeding;
  assert.deepEqual([answer.status, await answer.json()], [200, { msg: "Batch init for orders successful" }]);
  assert.equal(await stopped, 0);
  await assert.rejects(fetch(`${served.url}/health`));
  folder.remove();
});

test("a server that other machines can reach prints one warning, and a server on loopback does not", async () => {
  const folder = temporaryFolder();
  const warnings = async (host: string): Promise<number> =>
    (await start({ data: folder.path, host })).printed.match(/WARNING: HOST=.* has no authentication/g)?.length ?? 0;
  assert.equal(await warnings("0.0.0.0"), 1);
  assert.equal(await warnings("127.0.0.1"), 0);
  folder.remove();
});

test("a stop under load is clean: exit code 0, and no stack traces of interrupted work", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path });
  const seed = async (path: string): Promise<void> => {
    assert.equal((await fetch(served.url + path, { method: "POST" })).status, 200);
  };
  await Promise.all([seed("/stock/batch_init/50/1000/1"), seed("/payment/batch_init/50/1000")]);
  await seed("/orders/batch_init/5000/50/50/1");
  const load = { answered: 0, next: 0, isOver: false };
  const customers = Array.from({ length: 32 }, async () => {
    while (!load.isOver) {
      load.next += 1;
      const answer = await fetch(`${served.url}/orders/checkout/${load.next}`, { method: "POST" }).catch(
        () => undefined,
      );
      if (answer === undefined) return;
      await answer.text();
      load.answered += 1;
    }
  });
  while (load.answered < 200) await new Promise(setImmediate);
  assert.equal(await served.stop(), 0);
  load.isOver = true;
  await Promise.all(customers);
  assert.doesNotMatch(served.output(), /^\s+at /m);
  assert.match(served.output(), /asked to stop: finishing requests in progress/);
  folder.remove();
});
