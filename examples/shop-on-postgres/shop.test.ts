// The shop as its README describes it: started by one command, killed under load, and then equal books in SQL.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Pool } from "pg";
import { Shop } from "./shop.ts";

const waitMaxMs = 120_000;
const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const [, faultsOfBooks = ""] = /^```sql\n(.*?)^```/ms.exec(readme) ?? [];

let shop: Shop;
let pool: Pool;
before(async () => {
  shop = await Shop.start();
  pool = new Pool({ connectionString: shop.databaseUrl });
});
after(async () => {
  await pool.end();
  await shop.stop();
});

interface Wanted {
  readonly customer: string;
  readonly item: string;
  readonly quantity: number;
}

/** As a client must: sends an order again until it is known what became of it. */
async function outcome(id: string, wanted: Wanted): Promise<string> {
  const deadline = performance.now() + waitMaxMs;
  while (performance.now() < deadline) {
    try {
      const response = await fetch(`${shop.urls.orders}/orders/${id}`, { method: "PUT", body: JSON.stringify(wanted) });
      const { state } = (await response.json()) as { readonly state: string };
      if (response.status === 200 || response.status === 409) return state;
    } catch {
      // The process is gone, and what it did is not known.
    }
    await pause(50);
  }
  throw new Error(`what became of order ${id} is not known after ${waitMaxMs} ms`);
}

async function faults(): Promise<readonly unknown[]> {
  return (await pool.query<object>(faultsOfBooks)).rows;
}

/** A commit is reported before its branches have carried it out. */
async function settledFaults(): Promise<readonly unknown[]> {
  const deadline = performance.now() + waitMaxMs;
  for (;;) {
    const found = await faults();
    if (found.length === 0 || performance.now() > deadline) return found;
    await pause(100);
  }
}

test("kill -9 of stock and of orders under load leaves equal books", async () => {
  const orders = Array.from({ length: 90 }, (_, index): readonly [string, Wanted] => {
    const [customer, item] = [index % 9 === 0 ? "bob" : "ann", index % 3 === 0 ? "chair" : "lamp"];
    return [`load-${index}`, { customer, item, quantity: 1 + (index % 4) }];
  });
  const known = new Map<string, string>();
  const queue = [...orders];
  const client = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      known.set(next[0], await outcome(...next));
    }
  };
  const buying = Promise.all(Array.from({ length: 6 }, client));
  for (const [name, from] of [
    ["stock", 15],
    ["orders", 45],
  ] as const) {
    while (known.size < from) await pause(5);
    await shop.processes[name].kill();
    await shop.processes[name].restart();
  }
  await buying;
  assert.deepEqual(await settledFaults(), []);
  const { rows } = await pool.query<{ id: string; state: string }>("SELECT id, state FROM orders.orders");
  assert.deepEqual(new Map(rows.map(({ id, state }) => [id, state])), known);
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  // Bob has credit for two of his ten orders at most.
  assert.ok(count("paid") > 0 && count("failed") >= 8, `${count("paid")} paid, ${count("failed")} failed`);
});

test("an order is answered with its outcome, and again with the same", async () => {
  const put = (id: string, body: unknown) =>
    fetch(`${shop.urls.orders}/orders/${id}`, { method: "PUT", body: JSON.stringify(body) });
  const lamp = { customer: "ann", item: "lamp", quantity: 1 };
  for (const _ of [1, 2]) {
    const paid = await put("single", lamp);
    assert.deepEqual([paid.status, await paid.json()], [200, { id: "single", state: "paid", total: 15 }]);
  }
  const refused = await put("refused", { ...lamp, customer: "nobody" });
  assert.deepEqual(
    [refused.status, await refused.json()],
    [409, { id: "refused", state: "failed", reason: "no_credit" }],
  );
  const others = [["single", { ...lamp, quantity: 2 }] as const, ["x", { ...lamp, item: "sofa" }] as const];
  const statuses = others.map(async ([id, wanted]) => (await put(id, wanted)).status);
  assert.deepEqual(await Promise.all(statuses), [409, 404]);
  assert.equal((await put("invalid", { ...lamp, quantity: 0 })).status, 400);
  assert.deepEqual(await settledFaults(), []);
});

test("the query of the README finds what is not equal", async () => {
  const broken = [
    "UPDATE orders.orders SET state = 'failed' WHERE id = 'single'",
    "UPDATE stock.takings SET state = 'reserved' WHERE order_id = 'single'",
    "UPDATE payment.charges SET amount = amount + 1 WHERE order_id = 'single'",
    "UPDATE stock.items SET free = free + 1 WHERE item = 'lamp'",
    "UPDATE payment.accounts SET balance = balance - 1 WHERE customer = 'ann'",
    "UPDATE orders.assent_transactions SET state = 'committing' WHERE key = 'single'",
  ];
  for (const change of broken) {
    const client = await pool.connect();
    await client.query(`BEGIN; ${change}`);
    assert.notEqual((await client.query(faultsOfBooks)).rows.length, 0, change);
    await client.query("ROLLBACK");
    client.release();
  }
});

test("one command starts it over a given database, its request works, and Ctrl-C stops it", async (context) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("start.ts", import.meta.url))], {
    env: { ...process.env, DATABASE_URL: shop.databaseUrl },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  context.after(() => child.kill("SIGKILL"));
  let request = "";
  const pids: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    request ||= /curl .*/.exec(line)?.[0] ?? "";
    const [, pid] = / process (\d+)$/.exec(line) ?? [];
    if (pid !== undefined) pids.push(Number(pid));
    if (line.startsWith("stop it")) break;
  }
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", request]);
  assert.deepEqual(JSON.parse(stdout), { id: "1", state: "paid", total: 30 });
  child.kill("SIGINT");
  assert.deepEqual(await exited, [0, null]);
  assert.equal(pids.length, 3);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
