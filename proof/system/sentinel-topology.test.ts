// `assent up --topology sentinel` in short: a failover, a stop, another start on the same folder, an audit, a backup,
// and a start on that backup.
import { KeepAliveClient } from "@assent/bench";
import {
  databaseNames,
  keptSettings,
  masterView,
  startSentinelTopology,
  temporaryFolder,
  type Topology,
} from "@assent/topology";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type AuditReport, auditTopology } from "../../checkout/cli/src/audit.ts";
import { backupTopology } from "../../checkout/cli/src/backup.ts";
import { BackupFailed } from "../../checkout/cli/src/backup-folder.ts";
import { lockDataFolder } from "../../checkout/cli/src/embedded/data-folder.ts";
import { BooksMoved } from "../../checkout/cli/src/processes/books-reader.ts";
import { DatabaseUnreadable } from "../../checkout/cli/src/processes/database-reader.ts";
import { markDatabases } from "../../checkout/cli/src/processes/mark-databases.ts";
import { databasesOf } from "../../checkout/cli/src/running-topology.ts";

/** Sentinels on a machine that has stalled for more than 2 s promote no server for the next 30 s. */
const deadlineMs = 180_000;
const command = join(import.meta.dirname, "../../checkout/cli/bin/assent.mjs");

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

/** The output of the command for a user with the settings of an instance; empty if it cannot read now. */
function history(order: string, settings: Readonly<Record<string, string | undefined>> = {}): string {
  const env = { ...process.env, ...settings };
  return spawnSync(process.execPath, [command, "history", order, "--database"], { env, encoding: "utf8" }).stdout;
}

async function masterPort({ processes }: Topology): Promise<number> {
  const sentinel = processes.get("sentinel-0");
  return sentinel === undefined ? 0 : ((await masterView(sentinel, "order"))?.port ?? 0);
}

/** As `assent up` does. */
function start(folder: string): Promise<Topology> {
  const topology = "sentinel";
  return startSentinelTopology({
    folder,
    beforeServices: (variablesOf) =>
      markDatabases({ settings: databasesOf(variablesOf), topology, folder, accept: false }),
  });
}

/** Of all ended transactions; running writes and elections interrupt attempts. */
async function quietAudit(data: string): Promise<AuditReport> {
  let report: AuditReport | undefined;
  await until("nothing is in progress, and the books are read as of one point in time", async () => {
    report = await auditTopology({ topology: "sentinel", data }).catch((error: unknown) => {
      if (error instanceof BooksMoved || error instanceof DatabaseUnreadable) return undefined;
      throw error;
    });
    return report?.unfinished === 0;
  });
  assert.ok(report !== undefined);
  return report;
}

test("the books survive a failover, a restart of everything, and a restore", async () => {
  const folder = temporaryFolder();
  const place = (name: string): string => join(folder.path, name);
  const first = await start(place("data"));
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
  await until("checkouts continue with another master", () => paid(first.url, 1));
  let printed = "";
  await until("sentinels answer in time", () => {
    printed = history("1", keptSettings(place("data"), "order-0"));
    return Promise.resolve(printed !== "");
  });
  assert.match(printed, /^data in the master of order at the sentinels 127.*\n\S+ is committed\n(.*\n)+$/);
  // The former master is not running when everything is stopped: its data is old.
  await first.stop();

  const second = await start(place("data"));
  const lock = lockDataFolder(place("data"), "start");
  try {
    assert.notEqual(await masterPort(second), initial, "the sentinels have not forgotten the failover");
    const reader = new KeepAliveClient(second.url);
    for (const order of [0, 1]) {
      const { body } = await reader.request("GET", `/orders/find/${order}`);
      assert.match(body, /"paid":true/, `order ${order}`);
    }
    assert.match((await reader.request("GET", "/stock/find/0")).body, /"stock":96/);
    reader.close();
    assert.ok(await paid(second.url, 2));
    const { orders, findings } = await quietAudit(place("data"));
    assert.deepEqual([orders.paid, findings], [3, []]);
    await until("a backup is made", async () => {
      const made = backupTopology({ topology: "sentinel", data: place("data") }, place("backup"));
      return made.then(
        () => true,
        (error: unknown) => {
          // A sentinel is slow to answer, or an election is in progress.
          if (error instanceof BackupFailed) return false;
          throw error;
        },
      );
    });
    assert.ok(await paid(second.url, 3));
  } finally {
    lock.release();
    await second.stop();
  }

  const restored = await start(place("backup"));
  const restoredLock = lockDataFolder(place("backup"), "start");
  try {
    const { orders, findings } = await quietAudit(place("backup"));
    assert.deepEqual([orders.paid, findings], [3, []]);
    assert.ok(await paid(restored.url, 3));
  } finally {
    restoredLock.release();
    await restored.stop();
  }
  folder.remove();
});
