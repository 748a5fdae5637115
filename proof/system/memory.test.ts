// The memory of the embedded system, as the operating system counts it: under load, and idle afterwards.
import { closedLoop } from "@assent/bench";
import { serveCheckout, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

const command = join(import.meta.dirname, "../../checkout/cli/bin/assent.mjs");
const loadedMegabytesMax = 400;
/** About 180 MB are measured; a start without a cache of compiled code needs some 20 MB more. */
const restingMegabytesMax = 230;
const checkouts = 1_000;

test("memory is bounded under load, and released when idle", async (context) => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path });
  context.after(async () => {
    await served.stop();
    folder.remove();
  });
  const { url, pid } = served;
  const megabytes = (): number => {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) / 1_024;
  };
  const seeds = [
    `/stock/batch_init/${checkouts}/1000000/1`,
    `/payment/batch_init/${checkouts}/1000000`,
    `/orders/batch_init/${checkouts}/${checkouts}/${checkouts}/1`,
  ];
  await closedLoop({ url, connections: 1, paths: seeds });
  const paths = Array.from({ length: checkouts }, (_, index) => `/orders/checkout/${index}`);
  const { byStatus } = await closedLoop({ url, connections: 64, paths });
  assert.deepEqual(byStatus, { 200: checkouts });
  const loaded = megabytes();
  const deadline = performance.now() + 240_000;
  while (megabytes() > restingMegabytesMax && performance.now() < deadline) await pause(100);
  context.diagnostic(`${loaded.toFixed(0)} MB under load, ${megabytes().toFixed(0)} MB idle`);
  assert.ok(loaded <= loadedMegabytesMax, `${loaded} MB under load`);
  assert.ok(megabytes() <= restingMegabytesMax, `${megabytes()} MB idle`);
});

test("settings of the user take precedence over those that the process sets for itself", () => {
  const print = "console.log(JSON.stringify({ flags: process.execArgv, arenas: process.env.MALLOC_ARENA_MAX }))";
  const flags = ["--max-semi-space-size=5", "--import", `data:text/javascript,${print};`];
  const run = spawnSync(process.execPath, [...flags, command, "serve", "--protocol", "3pc"], {
    encoding: "utf8",
    env: { ...process.env, MALLOC_ARENA_MAX: "3" },
  });
  assert.equal(run.status, 1, run.stderr);
  const [given, own] = run.stdout.trim().split("\n");
  assert.deepEqual(JSON.parse(given ?? ""), { flags, arenas: "3" });
  const started = JSON.parse(own ?? "") as { flags: string[]; arenas: string };
  assert.ok(started.flags.length > flags.length, "it has replaced itself");
  assert.deepEqual(started.flags.slice(-flags.length), flags, "the last of two values counts");
  assert.equal(started.arenas, "3");
});
