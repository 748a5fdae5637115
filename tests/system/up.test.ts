// `assent up`: what it prints, that it works, that it refuses a folder in use, and that it leaves nothing behind.
import { temporaryFolder } from "@assent/launcher";
import { freePort } from "@assent/local-servers";
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

const command = join(import.meta.dirname, "../../apps/cli/bin/assent.mjs");

function up(args: readonly string[]): { readonly child: ChildProcess; readonly printed: () => string } {
  const environment = { ...process.env, npm_lifecycle_event: undefined };
  const child = spawn(process.execPath, [command, "up", ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout?.on("data", (chunk: unknown) => (printed += String(chunk)));
  child.stderr?.on("data", (chunk: unknown) => (printed += String(chunk)));
  return { child, printed: () => printed };
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `it does not come: ${what()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
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

test("a topology comes up, says what runs where, takes checkouts, and leaves nothing behind", async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  const args = ["--data", folder.path, "--port", String(port), "--stock", "1", "--payment", "1"];
  const { child, printed } = up(args);
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

  const second = up([...args.slice(0, 2), "--port", String(await freePort())]);
  const [refused] = (await once(second.child, "exit")) as [number];
  assert.equal(refused, 1);
  assert.match(second.printed(), /is in use by process/);

  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 0, printed());
  await until(
    () => !pids.some(isRunning),
    () => `still there: ${pids.filter(isRunning).join(", ")}`,
  );
  folder.remove();
});

test("killed with SIGKILL, it takes everything that it had started along", async () => {
  const folder = temporaryFolder();
  const { child, printed } = up(["--data", folder.path, "--port", String(await freePort()), "--quiet"]);
  await until(() => printed().includes("are served on") || child.exitCode !== null, printed);
  const pids = [...printed().matchAll(/process (\d+) {2}/g)].map(([, pid]) => Number(pid));
  assert.ok(pids.length >= 10 && pids.every(isRunning));
  child.kill("SIGKILL");
  await until(
    () => !pids.some(isRunning),
    () => `still there: ${pids.filter(isRunning).join(", ")}`,
  );
  folder.remove();
});

test("what cannot be meant is refused before anything is started", async () => {
  for (const [option, value] of [
    ["--topology", "moon"],
    ["--protocol", "3pc"],
    ["--delivery", "pigeon"],
  ] as const) {
    const { child, printed } = up([option, value]);
    assert.deepEqual(((await once(child, "exit")) as [number])[0], 1);
    assert.match(printed(), new RegExp(`${option} is ${value}, and there are: .*Nothing was started`));
  }
});
