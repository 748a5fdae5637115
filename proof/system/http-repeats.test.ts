// Requests that are repeated with their Idempotency-Key while other things happen.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { servedShop } from "./served-shop.ts";

const served = servedShop();

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

async function post(path: string, key?: string): Promise<HttpAnswer> {
  const headers = key === undefined ? {} : { "Idempotency-Key": key };
  const response = await fetch(served.url + path, { method: "POST", headers });
  return { status: response.status, text: await response.text() };
}

async function find(path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(served.url + path)).json()) as Record<string, unknown>;
}

const stockOf = async (item: number): Promise<unknown> => (await find(`/stock/find/${item}`))["stock"];

test("two concurrent seedings with one key: one is completed, the other is refused and changes nothing", async () => {
  assert.equal((await post("/stock/batch_init/41000/1/1")).status, 200);
  const key = randomUUID();
  const [long, short] = await Promise.all([
    post("/stock/batch_init/41000/7/1", key),
    post("/stock/batch_init/21000/9/1", key),
  ]);
  assert.ok([long, short].every(({ status }) => status === 200 || status === 422));
  assert.notEqual(long.status, short.status);
  const seen = await Promise.all([0, 20_500, 20_999, 21_000, 40_999].map(stockOf));
  assert.deepEqual(seen, long.status === 200 ? [7, 7, 7, 7, 7] : [9, 9, 9, 1, 1]);
});

test("a seeding repeated with its key undoes no later change, in any chunk", async () => {
  const key = randomUUID();
  assert.equal((await post("/stock/batch_init/21000/5/1", key)).status, 200);
  for (const item of [0, 20_000, 20_999]) assert.equal((await post(`/stock/add/${item}/10`)).status, 200);
  const repeats = await Promise.all(Array.from({ length: 5 }, () => post("/stock/batch_init/21000/5/1", key)));
  for (const repeat of repeats) assert.equal(repeat.status, 200);
  assert.deepEqual(await Promise.all([0, 20_000, 20_999, 1].map(stockOf)), [15, 15, 15, 5]);
});

test("addItem repeated with its key gets the same answer, even if the price has changed", async () => {
  await post("/stock/batch_init/1/1/1");
  const order = (JSON.parse((await post("/orders/create/someone")).text) as { order_id: string }).order_id;
  const key = randomUUID();
  const path = `/orders/addItem/${order}/0/1000000000000`;
  const first = await post(path, key);
  assert.equal(first.status, 200);
  await post("/stock/batch_init/1/1/2");
  assert.deepEqual(await post(path, key), first);
  const [over, keyOfOver] = [`/orders/addItem/${order}/0/2`, randomUUID()];
  const refused = await post(over, keyOfOver);
  assert.equal((JSON.parse(refused.text) as { code: string }).code, "order_too_large");
  await post("/stock/batch_init/1/1/0");
  assert.deepEqual(await post(over, keyOfOver), refused, "a refusal is stored as well");
  assert.equal((await find(`/orders/find/${order}`))["total_cost"], 1_000_000_000_000);
});
