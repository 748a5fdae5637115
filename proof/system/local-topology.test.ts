// The local topology as users run it: real NATS, Redis and HAProxy, two instances of each service. Runs the course's
// scenario through the gateway, and kills every kind of process under load.
import { closedLoop, courseScenario, drawnCases, faultMatrix, type FaultySystem, openLocal } from "@assent/bench";
import { chaosRun, killOf, SystemUnderTest } from "@assent/chaos";
import { freePort, startNats, startRedis } from "@assent/local-servers";
import { Processes, startInstances, startLocalTopology, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

/** Cases for each protocol; `npm run proof -- faults` tries all of them. */
const casesDrawn = 8;

async function sellsAllOnce(url: string): Promise<void> {
  const result = await courseScenario({ url, connections: 100, random: Math.random });
  assert.deepEqual(
    [result.succeeded, result.refused, result.otherwise, result.stockLeft, result.creditLeft],
    [100, 900, 0, 0, 900],
  );
}

for (const protocol of ["2pc", "saga"] as const) {
  describe(protocol, () => {
    const folder = temporaryFolder();
    let system: FaultySystem;
    before(async () => {
      system = await openLocal(folder.path, protocol);
    });
    after(async () => {
      await system?.close();
      folder.remove();
    });

    test("exactly 100 of 1000 checkouts succeed through the gateway, and none is a 5xx", () =>
      sellsAllOnce(system.url()));

    test("faults at some points fire in the local topology, and leave the books exact", async (context) => {
      const drawn = drawnCases(protocol, casesDrawn);
      context.diagnostic(drawn.map(({ service, point, action }) => `${service} ${point} ${action}`).join(", "));
      const report = await faultMatrix({ ...system, protocol, cases: drawn });
      assert.deepEqual(report.findings, []);
      assert.equal(report.cases.length, drawn.length);
    });
  });
}

test("every kind of process is killed under load: all answers stay true, and the books are exact", async () => {
  const folder = temporaryFolder();
  const system = await SystemUnderTest.openLocal({ folder: folder.path, protocol: "2pc" });
  const victims = ["order-0", "stock-1", "payment-0", "nats", "redis-order", "redis-stock", "redis-payment", "gateway"];
  try {
    const report = await chaosRun({ system, faults: victims.map(killOf), connections: 32 });
    assert.deepEqual(report.findings, []);
    assert.equal(report.results.length, victims.length);
    assert.equal(system.topology.deaths(), victims.length);
  } finally {
    await system.close();
  }
  folder.remove();
});

test("an instance refuses requests for another system, and a start does not take it for its own", async () => {
  const folders = [temporaryFolder(), temporaryFolder()] as const;
  const instances = { order: 0, stock: 1, payment: 0 };
  const other = await startLocalTopology({ folder: folders[0].path, instances });
  const taken = other.processes.get("stock-0")?.port ?? 0;
  const seeding = `http://127.0.0.1:${taken}/stock/batch_init/1/5/1`;
  const misdirected = await fetch(seeding, { method: "POST", headers: { "Assent-System": "another" } });
  assert.equal(misdirected.status, 421);
  assert.equal((await fetch(`http://127.0.0.1:${taken}/stock/find/0`)).status, 400, "no item was created");
  const folder = folders[1].path;
  const password = "secret";
  const processes = new Processes();
  const nats = await processes.add("nats", startNats({ folder: join(folder, "nats"), password }));
  const redis = await processes.add("redis", startRedis({ folder: join(folder, "redis"), password }));
  const surroundings = (): Record<string, string> => ({
    NATS_URL: `nats://${password}@127.0.0.1:${nats.port}`,
    REDIS_PORT: String(redis.port),
    REDIS_PASSWORD: password,
  });
  let choices = 0;
  const choosePort = async (): Promise<number> => ((choices += 1) === 1 ? taken : freePort());
  const { stock } = await startInstances({ options: { folder, instances }, processes, surroundings, choosePort });
  assert.equal(choices, 2);
  assert.notEqual(stock[0]?.port, taken);
  await Promise.all([processes.stop(), other.stop()]);
  for (const each of folders) each.remove();
});

test("auto: the same 100 succeed; a stop is drained without errors; health shows a lost bus", async () => {
  const folder = temporaryFolder();
  const topology = await startLocalTopology({ folder: folder.path, protocol: "auto", drainMs: 1_200 });
  const { url, processes } = topology;
  await sellsAllOnce(url);
  const orders = 4_000;
  const seeds = ["/stock/batch_init/9/900000/1", "/payment/batch_init/9/900000", `/orders/batch_init/${orders}/9/9/1`];
  await closedLoop({ url, connections: 1, paths: seeds });
  const paths = Array.from({ length: orders }, (_, order) => `/orders/checkout/${order}`);
  let over = false;
  const refusals = new Map<string, number>();
  const onReply = (_index: number, { status, body }: { status: number; body: string }): void => {
    if (status !== 200) refusals.set(body, (refusals.get(body) ?? 0) + 1);
  };
  const load = closedLoop({ url, connections: 16, paths, onReply }).finally(() => (over = true));
  for (const name of ["order-0", "stock-0", "payment-1", "order-1"]) if (!over) await processes.get(name)?.restart();
  await load;
  assert.deepEqual([...refusals], []);

  const health = async (): Promise<number> =>
    (await fetch(`http://127.0.0.1:${processes.get("stock-0")?.port}/health`)).status;
  assert.equal(await health(), 200);
  processes.get("nats")?.pause();
  await until(async () => (await health()) === 503, "a paused bus is reported");
  processes.get("nats")?.resume();
  await until(async () => (await health()) === 200, "and so is its return");
  await topology.stop();
  folder.remove();
});

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, what);
    await pause(50);
  }
}
