// The bodies of the reference system, byte for byte: texts, order of JSON keys, no spaces. A refusal has its `error`,
// followed by our `code`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { servedShop } from "./served-shop.ts";

const served = servedShop({ faults: true });

interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function ask(request: string, json?: object): Promise<HttpAnswer> {
  const [method = "", path = ""] = request.split(" ");
  const sent =
    json === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(json) };
  const response = await fetch(served.url + path, { method, ...sent });
  return { status: response.status, type: response.headers.get("content-type") ?? "", body: await response.text() };
}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

async function assertText(request: string, body: string): Promise<void> {
  assert.deepEqual(await ask(request), { status: 200, type: "text/plain; charset=UTF-8", body }, request);
}

async function assertJson(request: string, body: string, json?: object): Promise<void> {
  assert.deepEqual(await ask(request, json), { status: 200, type: "application/json", body }, request);
}

async function assertRefused(request: string, [status, error, code]: [number, string, string]): Promise<void> {
  const body = `{"error":"${error}","code":"${code}"}`;
  assert.deepEqual(await ask(request), { status, type: "application/json", body }, request);
}

/** Resolves with the new id. */
async function assertCreated(request: string, field: string): Promise<string> {
  const { status, type, body } = await ask(request);
  assert.deepEqual([status, type], [200, "application/json"], request);
  const id = new RegExp(`^\\{"${field}":"(${uuid})"\\}$`).exec(body)?.[1];
  assert.ok(id !== undefined, body);
  return id;
}

test("stock answers as the reference does", async () => {
  const item = await assertCreated("POST /stock/item/create/5", "item_id");
  await assertJson(`GET /stock/find/${item}`, '{"stock":0,"price":5}');
  await assertText(`POST /stock/add/${item}/50`, `Item: ${item} stock updated to: 50`);
  await assertText(`POST /stock/add/${item}/0`, `Item: ${item} stock updated to: 50`);
  await assertText(`POST /stock/subtract/${item}/15`, `Item: ${item} stock updated to: 35`);
  await assertJson(`GET /stock/find/${item}`, '{"stock":35,"price":5}');
  await assertRefused(`POST /stock/subtract/${item}/36`, [
    400,
    `Item: ${item} stock cannot get reduced below zero!`,
    "insufficient_stock",
  ]);
  for (const request of [
    "GET /stock/find/no",
    "POST /stock/add/no/1",
    "POST /stock/add/no/0",
    "POST /stock/subtract/no/1",
  ]) {
    await assertRefused(request, [400, "Item: no not found!", "item_not_found"]);
  }
  await assertJson("POST /stock/batch_init/2/7/3", '{"msg":"Batch init for stock successful"}');
  await assertJson("GET /stock/find/1", '{"stock":7,"price":3}');
});

test("payment answers as the reference does", async () => {
  const user = await assertCreated("POST /payment/create_user", "user_id");
  await assertJson(`POST /payment/add_funds/${user}/15`, '{"done":true}');
  await assertJson(`POST /payment/add_funds/${user}/0`, '{"done":true}');
  await assertText(`POST /payment/pay/${user}/10`, `User: ${user} credit updated to: 5`);
  await assertJson(`GET /payment/find_user/${user}`, `{"user_id":"${user}","credit":5}`);
  await assertRefused(`POST /payment/pay/${user}/6`, [
    400,
    `User: ${user} credit cannot get reduced below zero!`,
    "insufficient_credit",
  ]);
  for (const request of ["GET /payment/find_user/no", "POST /payment/add_funds/no/0", "POST /payment/pay/no/1"]) {
    await assertRefused(request, [400, "User: no not found!", "user_not_found"]);
  }
  await assertJson("POST /payment/batch_init/2/9", '{"msg":"Batch init for users successful"}');
  await assertJson("GET /payment/find_user/1", '{"user_id":"1","credit":9}');
});

test("orders answer as the reference does", async () => {
  const [item, user] = [await assertCreated("POST /stock/item/create/3", "item_id"), "someone"];
  const order = await assertCreated(`POST /orders/create/${user}`, "order_id");
  const found = (paid: boolean, items: string, total: number): string =>
    `{"order_id":"${order}","paid":${paid},"items":[${items}],"user_id":"${user}","total_cost":${total}}`;
  await assertJson(`GET /orders/find/${order}`, found(false, "", 0));
  await assertRefused(`POST /orders/checkout/${order}`, [400, "Order has no items", "order_empty"]);
  await assertText(`POST /orders/addItem/${order}/${item}/2`, `Item: ${item} added to: ${order} price updated to: 6`);
  await assertText(`POST /orders/addItem/${order}/${item}/1`, `Item: ${item} added to: ${order} price updated to: 9`);
  for (const quantity of [0, -1]) {
    const request = `POST /orders/addItem/${order}/${item}/${quantity}`;
    await assertRefused(request, [400, "Quantity must be positive", "invalid_input"]);
  }
  const [noItem, noOrder] = [`POST /orders/addItem/${order}/no/1`, `POST /orders/addItem/no/${item}/1`];
  await assertRefused(noItem, [400, "Item: no does not exist!", "item_not_found"]);
  for (const request of [noOrder, "GET /orders/find/no", "POST /orders/checkout/no"]) {
    await assertRefused(request, [400, "Order: no not found!", "order_not_found"]);
  }
  await assertJson(`GET /orders/find/${order}`, found(false, `"${item}","${item}"`, 9));
  await assertJson("POST /orders/batch_init/2/2/2/4", '{"msg":"Batch init for orders successful"}');
  const seeded = /^\{"order_id":"1","paid":false,"items":\["[01]","[01]"\],"user_id":"[01]","total_cost":8\}$/;
  assert.match((await ask("GET /orders/find/1")).body, seeded);
});

test("a checkout answers as the reference does: refused, then successful, then successful again", async () => {
  const [item, user] = [await assertCreated("POST /stock/item/create/3", "item_id"), await newUser()];
  const order = await assertCreated(`POST /orders/create/${user}`, "order_id");
  await ask(`POST /orders/addItem/${order}/${item}/2`);
  const refused = (reason: string): Promise<void> =>
    assertRefused(`POST /orders/checkout/${order}`, [400, `Checkout failed: ${reason}`, reason]);
  await refused("insufficient_stock");
  await ask(`POST /stock/add/${item}/5`);
  await refused("insufficient_credit");
  await ask(`POST /payment/add_funds/${user}/10`);
  for (let times = 0; times < 2; times += 1) await assertText(`POST /orders/checkout/${order}`, "Checkout successful");
  const paid = `{"order_id":"${order}","paid":true,"items":["${item}"],"user_id":"${user}","total_cost":6}`;
  await assertJson(`GET /orders/find/${order}`, paid);
  await assertJson(`GET /stock/find/${item}`, '{"stock":3,"price":3}');
  await assertJson(`GET /payment/find_user/${user}`, `{"user_id":"${user}","credit":4}`);
});

async function newUser(): Promise<string> {
  return assertCreated("POST /payment/create_user", "user_id");
}

test("common routes answer as in the reference: health, faults, wrong paths and methods", async () => {
  for (const service of ["orders", "stock", "payment"]) {
    await assertJson(`GET /${service}/health`, '{"status":"healthy"}');
    await assertRefused(`GET /${service}/nothing/here`, [404, "Not Found", "not_found"]);
    const point = service === "orders" ? "before_decide" : "before_commit";
    await assertJson(`POST /${service}/fault/set`, '{"status":"ok"}', { point, action: "delay", value: 5 });
    await assertJson(`GET /${service}/fault/rules`, `{"${point}":{"action":"delay","value":5}}`);
    for (const query of [`?point=${point}`, ""])
      await assertJson(`POST /${service}/fault/clear${query}`, '{"status":"ok"}');
    await assertJson(`GET /${service}/fault/rules`, "{}");
  }
  await assertJson("GET /orders/dlq/status", '{"count":0,"latest":[],"unfinished":0}');
  await assertRefused("GET /orders/checkout/1", [405, "Method Not Allowed", "method_not_allowed"]);
  await assertRefused("DELETE /stock/find/1", [405, "Method Not Allowed", "method_not_allowed"]);
});
