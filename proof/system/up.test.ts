// `assent up`: what it prints, that it works, that it refuses a folder in use, and that it leaves nothing behind.
import { temporaryFolder } from "@assent/topology";
import { converse, freePort } from "@assent/local-servers";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openToOthers } from "./open-to-others.ts";
import { interrupt, until, up } from "./up-process.ts";

const command = join(import.meta.dirname, "../../checkout/cli/bin/assent.mjs");

/** Redis and NATS refuse clients without the password, which appears on no command line and in no output. */
async function assertGuarded(rows: readonly RegExpExecArray[], folder: string): Promise<void> {
  const password = readFileSync(join(folder, "secret.txt"), "utf8").trim();
  assert.match(password, /^[0-9a-f]{48}$/);
  for (const [, name = "", port, pid] of rows) {
    assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, "utf8"), new RegExp(password), name);
    const ask = (text: string, isComplete: (all: string) => boolean): Promise<string | undefined> =>
      converse({ port: Number(port), text, isComplete, waitMs: 30_000 });
    if (name.startsWith("redis-")) {
      assert.match((await ask("DBSIZE\r\n", (all) => all.includes("\r\n"))) ?? "", /^-NOAUTH/, name);
    } else if (name === "nats") {
      const text = 'CONNECT {"verbose":false}\r\nPING\r\n';
      assert.match((await ask(text, (all) => /-ERR|PONG/.test(all))) ?? "", /-ERR 'Authorization Violation'/);
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a topology starts, prints its processes, accepts checkouts, and leaves nothing behind", async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  const args = ["--data", folder.path, "--port", String(port), "--stock", "1", "--payment", "1"];
  // Settings for other servers must not reach these.
  const started = up(args, { env: { SENTINEL_HOSTS: "203.0.113.5:1", REDIS_PASSWORD: "other" } });
  const { child, printed } = started;
  await until(() => printed().includes("are served on") || child.exitCode !== null, printed);
  const rows = [...printed().matchAll(/^ {2}(\S+) +port (\d+) +process (\d+)/gm)];
  const names = rows.map(([, name]) => name);
  assert.deepEqual(names, [
    "gateway",
    "nats",
    "order-0",
    "order-1",
    "payment-0",
    "redis-order",
    "redis-payment",
    "redis-stock",
    "stock-0",
  ]);
  const pids = rows.map(([, , , pid]) => Number(pid));
  assert.ok(pids.every(isRunning), "all of them run");
  const url = `http://127.0.0.1:${port}`;
  for (const path of ["/stock/batch_init/1/5/1", "/payment/batch_init/1/5", "/orders/batch_init/1/1/1/1"]) {
    assert.equal((await fetch(url + path, { method: "POST" })).status, 200, path);
  }
  assert.equal((await fetch(`${url}/orders/checkout/0`, { method: "POST" })).status, 200);

  assert.deepEqual(openToOthers(folder.path), [], "data, logs and settings are private to this user");
  await assertGuarded(rows, folder.path);

  const second = up([...args.slice(0, 2), "--port", String(await freePort())]);
  const [refused] = (await once(second.child, "exit")) as [number];
  assert.equal(refused, 1);
  assert.match(second.printed(), /is in use by process/);

  const historyCommand = ["history", "0", "--topology", "local", "--data", folder.path];
  const { stdout } = spawnSync(process.execPath, [command, ...historyCommand], { encoding: "utf8" });
  assert.match(stdout, /^data in redis:.*\n\S+ is committed\n(.* order-\d:\S+ @\d+\n){3}$/);

  const audit = ["audit", "--topology", "local", "--data", folder.path];
  const audited = spawnSync(process.execPath, [command, ...audit], { encoding: "utf8" });
  assert.match(audited.stdout, /^data in the databases of the local topology\n[^]*orders +1 of 1 paid[^]*adds up\n$/);

  const other = temporaryFolder();
  const third = up(["--data", other.path, "--port", String(port)]);
  assert.equal(((await once(third.child, "exit")) as [number])[0], 1);
  assert.match(third.printed(), new RegExp(`Port ${port} is in use\\. Nothing was started`));
  assert.deepEqual(
    readdirSync(other.path).filter((name) => !/^(lock\.db|holder\.txt)/.test(name)),
    [],
  );
  other.remove();

  assert.ok(!printed().includes(readFileSync(join(folder.path, "secret.txt"), "utf8").trim()));
  await interrupt(started);
  for (const name of ["order-0", "order-1", "stock-0", "payment-0"]) {
    const log = readFileSync(join(folder.path, name, `${name}.log`), "utf8");
    assert.match(log, /\nassent: asked to stop: finishing requests in progress …\n/);
    assert.doesNotMatch(log, /interrupted|could not|unreachable/, "its servers ran until it had ended");
  }
  const late = spawnSync(process.execPath, [command, ...historyCommand], { encoding: "utf8" });
  assert.deepEqual([late.status, late.stdout], [1, ""]);
  assert.match(late.stderr, /no topology runs on/);
  await until(
    () => !pids.some(isRunning),
    () => `still running: ${pids.filter(isRunning).join(", ")}`,
  );
  folder.remove();
});

test("if it is killed with SIGKILL, all its processes end", async () => {
  const folder = temporaryFolder();
  const { child, printed } = up(["--data", folder.path, "--port", String(await freePort()), "--quiet"]);
  await until(() => printed().includes("are served on") || child.exitCode !== null, printed);
  const pids = [...printed().matchAll(/process (\d+) {2}/g)].map(([, pid]) => Number(pid));
  assert.ok(pids.length >= 10 && pids.every(isRunning));
  child.kill("SIGKILL");
  await until(
    () => !pids.some(isRunning),
    () => `still running: ${pids.filter(isRunning).join(", ")}`,
  );
  const historyCommand = ["history", "0", "--topology", "local", "--data", folder.path];
  assert.match(
    spawnSync(process.execPath, [command, ...historyCommand], { encoding: "utf8" }).stderr,
    /no topology runs on/,
  );
  folder.remove();
});

test("an invalid option is refused before anything is started", async () => {
  for (const [option, value] of [
    ["--topology", "moon"],
    ["--protocol", "3pc"],
    ["--delivery", "pigeon"],
  ] as const) {
    const { child, printed } = up([option, value]);
    assert.deepEqual(((await once(child, "exit")) as [number])[0], 1);
    assert.match(printed(), new RegExp(`${option} is ${value}; it must be one of .*Nothing was started`));
  }
});

test("invalid numbers are refused before anything is started", async () => {
  for (const [args, says] of [
    [["--port", "70000"], /--port is 70000; it must be from 1 to 65535/],
    [["--topology", "sentinel", "--port", "65535"], /--port is 65535; it must be from 1 to 65534/],
    [["--order", "0"], /--order.*invalid/],
  ] as const) {
    const { child, printed } = up(args);
    assert.deepEqual(((await once(child, "exit")) as [number])[0], 1);
    assert.match(printed(), says);
    assert.doesNotMatch(printed(), /answers on port|^\s+at /m);
  }
});
