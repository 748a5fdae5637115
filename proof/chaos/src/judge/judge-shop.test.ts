// Load, faults and checks together, on real processes; and the check detects a modified database.
import { redisUrlOf } from "@assent/local-servers";
import { startLocalTopology, temporaryFolder, type Topology } from "@assent/topology";
import { type RedisCommand, redisConnect } from "@assent/redis";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { History } from "../load/history.ts";
import { judgeShop } from "./judge-shop.ts";
import { ShopLoad } from "../load/shop-load.ts";
import type { StoreUrls } from "./store-books.ts";

const upAgainMs = 120_000;
const deadlineMs = 120_000;
const pollMs = 50;

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, what);
    await pause(pollMs);
  }
}

function storesOf({ processes }: Topology): StoreUrls {
  const url = (name: string): string => redisUrlOf(processes.get(name) ?? { port: 0 });
  return { order: url("redis-order"), stock: url("redis-stock"), payment: url("redis-payment") };
}

test("two kills under load leave no finding, and a modified account is a finding", async (t) => {
  const folder = temporaryFolder();
  const topology = await startLocalTopology({ folder: folder.path });
  t.after(async () => {
    await topology.stop();
    folder.remove();
  });
  const urls = [topology.url];
  const stores = storesOf(topology);
  const history = new History();
  const load = new ShopLoad({ urls, connections: 16, requestsPerSecond: 600, history });
  await load.seed();
  load.start();
  await until("orders are paid", () => history.figures().ordersPaid > 50);
  for (const name of ["stock-0", "redis-payment"]) {
    const killedAt = performance.now();
    await topology.processes.get(name)?.kill();
    await until(`checkouts succeed again without ${name}`, () => history.flowsAgainAfter(killedAt) !== undefined);
    await topology.settled(upAgainMs);
  }
  const refused = (): number => history.figures().byKind.checkout?.byStatus["400"] ?? 0;
  await until("some checkouts fail, as intended", () => refused() > 0 && history.figures().ordersPaid > 100);
  await load.stop();
  assert.ok(topology.deaths() >= 2, "both have died");
  assert.equal(history.figures().checkouts5xx, 0);
  // While a master is replaced, its place is unknown, and the former one answers nothing.
  const places = [
    Promise.reject(new Error("no sentinel knows the master")),
    { ...stores, order: "redis://127.0.0.1:9" },
  ];
  places.forEach((place) => void Promise.resolve(place).catch(() => undefined));
  const replaced = async (): Promise<StoreUrls> => (await places.shift()) ?? stores;
  assert.deepEqual(await judgeShop({ load, urls, stores: replaced }), []);
  assert.equal(places.length, 0);

  const [item] = load.shop.items.keys();
  await tamper(stores.stock, item ?? "");
  const findings = await judgeShop({ load, urls, stores: () => Promise.resolve(stores), clearMs: 1_000 });
  assert.match(findings[0] ?? "", new RegExp(`^S2: stock of ${item} is \\d+, but must be \\d+`));
  assert.match(findings[1] ?? "", new RegExp(`^S2: units of item ${item} does not add up`));
  assert.equal(findings.length, 2, findings.join("\n"));
});

/** One unit more than exists. */
async function tamper(url: string, item: string): Promise<void> {
  const port = await redisConnect({ url })();
  const send = async (command: RedisCommand): Promise<unknown> => (await port.send([command]))[0];
  const text = String(await send(["HGET", "{assent-stock}:accounts", item]));
  const changed = text.replace(/"available":(\d+)/, (_, available) => `"available":${Number(available) + 1}`);
  await send(["HSET", "{assent-stock}:accounts", item, `tampered${changed}`]);
  port.close();
}
