// `assent up --topology sentinel` in short: a failover, a stop, and another start on the same folder.
import { KeepAliveClient } from "@assent/bench";
import {
  databaseNames,
  keptSettings,
  masterView,
  startSentinelTopology,
  temporaryFolder,
  type Topology,
} from "@assent/launcher";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

/** Sentinels of a machine that has stalled for more than 2 s promote nobody for the next 30 s. */
const deadlineMs = 180_000;
const command = join(import.meta.dirname, "../../apps/cli/bin/assent.mjs");

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, what);
    await pause(50);
  }
}

async function paid(url: string, order: number): Promise<boolean> {
  const client = new KeepAliveClient(url);
  try {
    return (await client.request("POST", `/orders/checkout/${order}`)).status === 200;
  } finally {
    client.close();
  }
}

/** As the command tells it to somebody who has the settings of an instance. */
function history(order: string, settings: Readonly<Record<string, string | undefined>> = {}): string {
  const env = { ...process.env, ...settings };
  return execFileSync(process.execPath, [command, "history", order, "--database"], { env, encoding: "utf8" });
}

async function masterPort({ processes }: Topology): Promise<number> {
  const sentinel = processes.get("sentinel-0");
  return sentinel === undefined ? 0 : ((await masterView(sentinel, "order"))?.port ?? 0);
}

test("D10 the books outlive a failover and a restart of everything, whichever server has the newest", async () => {
  const folder = temporaryFolder();
  const first = await startSentinelTopology({ folder: folder.path });
  const initial = await masterPort(first);
  const client = new KeepAliveClient(first.urls[1] ?? "");
  for (const path of ["/stock/batch_init/1/100/1", "/payment/batch_init/1/100", "/orders/batch_init/10/1/1/1"]) {
    assert.equal((await client.request("POST", path)).status, 200, path);
  }
  const health = await client.request("GET", "/orders/health");
  assert.match(health.body, /"durability":"D2"/);
  client.close();
  assert.ok(await paid(first.url, 0));

  const former = databaseNames("order").find((name) => first.processes.get(name)?.port === initial) ?? "";
  first.hold(former);
  await first.processes.get(former)?.kill();
  await until("checkouts go on with another master", () => paid(first.url, 1));
  const told = history("1", keptSettings(folder.path, "order-0"));
  assert.match(told, /^data in the master of order by the sentinels 127.*\n\S+ is committed\n(.*\n)+$/);
  // The former master is not there when all is stopped: what it has is old.
  await first.stop();

  const second = await startSentinelTopology({ folder: folder.path });
  try {
    assert.notEqual(await masterPort(second), initial, "the sentinels have not forgotten the failover (D33)");
    const reader = new KeepAliveClient(second.url);
    for (const order of [0, 1]) {
      const { body } = await reader.request("GET", `/orders/find/${order}`);
      assert.match(body, /"paid":true/, `order ${order}`);
    }
    assert.match((await reader.request("GET", "/stock/find/0")).body, /"stock":96/);
    reader.close();
    assert.ok(await paid(second.url, 2));
  } finally {
    await second.stop();
  }
  folder.remove();
});
