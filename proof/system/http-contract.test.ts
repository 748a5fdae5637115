// The HTTP contract, tested on the embedded topology as a separate process.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { request as rawRequest } from "node:http";
import { test } from "node:test";
import { servedShop } from "./served-shop.ts";

const served = servedShop();

interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Headers;
  json(): Record<string, unknown>;
}

async function call(method: string, path: string, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  const response = await fetch(served.url + path, { method, headers });
  const text = await response.text();
  const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    text,
    headers: response.headers,
    json,
  };
}

const post = (path: string, headers?: Record<string, string>): Promise<HttpAnswer> => call("POST", path, headers);
const get = (path: string): Promise<HttpAnswer> => call("GET", path);

async function created(path: string, field: string): Promise<string> {
  const answer = await post(path);
  assert.equal(answer.status, 200);
  assert.match(answer.type, /^application\/json/);
  return answer.json()[field] as string;
}

async function newUser(credit: number): Promise<string> {
  const user = await created("/payment/create_user", "user_id");
  if (credit > 0) assert.deepEqual((await post(`/payment/add_funds/${user}/${credit}`)).json(), { done: true });
  return user;
}

async function newItem(price: number, stock: number): Promise<string> {
  const item = await created(`/stock/item/create/${price}`, "item_id");
  if (stock > 0) assert.equal((await post(`/stock/add/${item}/${stock}`)).status, 200);
  return item;
}

const newOrder = (user: string): Promise<string> => created(`/orders/create/${user}`, "order_id");

function assertProblem(answer: HttpAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.type, /^application\/json/);
  assert.equal(answer.json()["code"], code);
  assert.equal(typeof answer.json()["error"], "string");
}

test("stock: create, find, add, subtract, and never below zero", async () => {
  const item = await newItem(5, 0);
  assert.deepEqual((await get(`/stock/find/${item}`)).json(), { stock: 0, price: 5 });
  const added = await post(`/stock/add/${item}/50`);
  assert.equal(added.text, `Item: ${item} stock updated to: 50`);
  assert.match(added.type, /^text\/plain/);
  assertProblem(await post(`/stock/subtract/${item}/51`), 400, "insufficient_stock");
  assert.equal((await post(`/stock/subtract/${item}/15`)).text, `Item: ${item} stock updated to: 35`);
  assert.deepEqual((await get(`/stock/find/${item}`)).json(), { stock: 35, price: 5 });
  assertProblem(await get("/stock/find/nothing"), 400, "item_not_found");
});

test("payment: create, add funds, pay, and never below zero", async () => {
  const user = await newUser(15);
  const paid = await post(`/payment/pay/${user}/10`);
  assert.equal(paid.text, `User: ${user} credit updated to: 5`);
  assert.match(paid.type, /^text\/plain/);
  assertProblem(await post(`/payment/pay/${user}/6`), 400, "insufficient_credit");
  assert.deepEqual((await get(`/payment/find_user/${user}`)).json(), { user_id: user, credit: 5 });
  assertProblem(await post("/payment/add_funds/nobody/1"), 400, "user_not_found");
});

test("the course's order test: two refusals, then a success, each a new attempt", async () => {
  const user = await newUser(0);
  const [first, second] = [await newItem(5, 15), await newItem(5, 1)];
  const order = await newOrder(user);
  assert.equal(
    (await post(`/orders/addItem/${order}/${first}/1`)).text,
    `Item: ${first} added to: ${order} price updated to: 5`,
  );
  assert.equal(
    (await post(`/orders/addItem/${order}/${second}/1`)).text,
    `Item: ${second} added to: ${order} price updated to: 10`,
  );
  assert.equal((await post(`/stock/subtract/${second}/1`)).status, 200);
  assertProblem(await post(`/orders/checkout/${order}`), 400, "insufficient_stock");
  assert.deepEqual((await get(`/stock/find/${first}`)).json(), { stock: 15, price: 5 });
  assert.equal((await post(`/stock/add/${second}/15`)).status, 200);
  assertProblem(await post(`/orders/checkout/${order}`), 400, "insufficient_credit");
  assert.deepEqual((await get(`/stock/find/${first}`)).json(), { stock: 15, price: 5 });
  assert.equal((await post(`/payment/add_funds/${user}/15`)).status, 200);
  const paid = await post(`/orders/checkout/${order}`);
  assert.deepEqual([paid.status, paid.text], [200, "Checkout successful"]);
  assert.match(paid.type, /^text\/plain/);
  assert.deepEqual((await get(`/stock/find/${first}`)).json()["stock"], 14);
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 5);
  const found = (await get(`/orders/find/${order}`)).json();
  assert.deepEqual(found, { order_id: order, paid: true, items: [first, second], user_id: user, total_cost: 10 });
});

test("a repeated checkout of a paid order is 200 without a charge, and the order takes no more items", async () => {
  const [user, item] = [await newUser(100), await newItem(10, 10)];
  const order = await newOrder(user);
  await post(`/orders/addItem/${order}/${item}/3`);
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(`/orders/checkout/${order}`)));
  assert.deepEqual(new Set(answers.map((answer) => answer.text)), new Set(["Checkout successful"]));
  assert.equal((await post(`/orders/checkout/${order}`)).status, 200);
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 70);
  assert.equal((await get(`/stock/find/${item}`)).json()["stock"], 7);
  assertProblem(await post(`/orders/addItem/${order}/${item}/1`), 400, "order_paid");
  assert.deepEqual((await get(`/orders/find/${order}`)).json()["items"], [item]);
});

test("an empty order, an unknown order, unknown items and users are refused with their names", async () => {
  const order = await newOrder("nobody-yet");
  assertProblem(await post(`/orders/checkout/${order}`), 400, "order_empty");
  const item = await newItem(1, 1);
  assertProblem(await post(`/orders/addItem/${order}/no-such-item/1`), 400, "item_not_found");
  assertProblem(await post(`/orders/addItem/no-such-order/${item}/1`), 400, "order_not_found");
  await post(`/orders/addItem/${order}/${item}/1`);
  assertProblem(await post(`/orders/checkout/${order}`), 400, "user_not_found");
  assert.equal((await get(`/stock/find/${item}`)).json()["stock"], 1);
  assertProblem(await post("/orders/checkout/no-such-order"), 400, "order_not_found");
  assertProblem(await get("/orders/find/no-such-order"), 400, "order_not_found");
});

test("free items can be bought without credit", async () => {
  const item = await newItem(0, 2);
  const order = await newOrder(await newUser(0));
  await post(`/orders/addItem/${order}/${item}/2`);
  assert.equal((await post(`/orders/checkout/${order}`)).status, 200);
  assert.equal((await get(`/stock/find/${item}`)).json()["stock"], 0);
});

test("invalid numbers and ids are 400 and change nothing", async () => {
  const [user, item] = [await newUser(10), await newItem(7, 10)];
  const order = await newOrder(user);
  const bad = [
    "00000000000000001",
    "-5",
    "1_000",
    "1e3",
    "1.5",
    "0x10",
    "%201",
    "",
    "1000000000001",
    "9".repeat(30),
    "NaN",
    "٣",
  ];
  for (const amount of bad) {
    for (const path of [
      `/stock/add/${item}/${amount}`,
      `/stock/subtract/${item}/${amount}`,
      `/payment/add_funds/${user}/${amount}`,
      `/payment/pay/${user}/${amount}`,
      `/orders/addItem/${order}/${item}/${amount}`,
    ]) {
      const answer = await post(path);
      assert.equal(answer.status, amount === "" ? 404 : 400, `${path}: ${answer.text}`);
    }
  }
  for (const path of [`/stock/subtract/${item}`, `/payment/pay/${user}`, `/orders/addItem/${order}/${item}`]) {
    assertProblem(await post(`${path}/0`), 400, "invalid_input");
  }
  for (const price of ["-1", "1e3", "x", "1000000000001"]) {
    assertProblem(await post(`/stock/item/create/${price}`), 400, "invalid_input");
  }
  for (const id of ["5%2F3", "5%3F:9", "a%20b", "%00", "a".repeat(65), "%E0%A4%A"]) {
    assertProblem(await post(`/orders/addItem/${order}/${id}/1`), 400, "invalid_input");
    assertProblem(await get(`/stock/find/${id}`), 400, "invalid_input");
    assertProblem(await post(`/orders/create/${id}`), 400, "invalid_input");
  }
  for (const n of ["-1", "1000001", "x"]) {
    assertProblem(await post(`/stock/batch_init/${n}/1/1`), 400, "invalid_input");
    assertProblem(await post(`/payment/batch_init/${n}/1`), 400, "invalid_input");
    assertProblem(await post(`/orders/batch_init/${n}/1/1/1`), 400, "invalid_input");
  }
  assertProblem(await post("/orders/batch_init/1/0/1/1"), 400, "invalid_input");
  assert.deepEqual((await get(`/stock/find/${item}`)).json(), { stock: 10, price: 7 });
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 10);
  assert.deepEqual((await get(`/orders/find/${order}`)).json()["items"], []);
});

test("adding zero changes nothing and is answered like any addition; for an unknown id it is refused", async () => {
  const [user, item] = [await newUser(10), await newItem(7, 10)];
  const key = { "Idempotency-Key": randomUUID() };
  for (const headers of [{}, key, key]) {
    assert.equal((await post(`/stock/add/${item}/0`, headers)).text, `Item: ${item} stock updated to: 10`);
  }
  assertProblem(await post(`/stock/add/${item}/1`, key), 422, "idempotency_key_reused");
  assert.equal((await post(`/payment/add_funds/${user}/0`)).text, '{"done":true}');
  assertProblem(await post("/stock/add/nothing/0"), 400, "item_not_found");
  assertProblem(await post("/payment/add_funds/nobody/0"), 400, "user_not_found");
  assert.deepEqual((await get(`/stock/find/${item}`)).json(), { stock: 10, price: 7 });
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 10);
});

test("an order has bounds on total, units and entries, and an addition beyond them changes nothing", async () => {
  const item = await newItem(1_000_000_000_000, 1);
  const order = await newOrder(await newUser(0));
  assert.equal((await post(`/orders/addItem/${order}/${item}/1`)).status, 200);
  assertProblem(await post(`/orders/addItem/${order}/${item}/1`), 400, "order_too_large");
  assertProblem(await post(`/orders/addItem/${order}/${item}/1000000000000`), 400, "order_too_large");
  for (const quantity of ["0", "-1"]) {
    const refused = await post(`/orders/addItem/${order}/${item}/${quantity}`);
    assertProblem(refused, 400, "invalid_input");
    assert.equal(refused.json()["error"], "Quantity must be positive");
  }
  const found = (await get(`/orders/find/${order}`)).json();
  assert.deepEqual([found["items"], found["total_cost"]], [[item], 1_000_000_000_000]);
});

test("wrong paths are 404, wrong methods 405 with Allow, in JSON", async () => {
  for (const path of ["/", "/nope", "/orders", "/orders/find", "/stock/find/1/2", "/orders/find/1/"]) {
    assertProblem(await get(path), 404, "not_found");
  }
  const wrong = await get("/orders/checkout/1");
  assertProblem(wrong, 405, "method_not_allowed");
  assert.equal(wrong.headers.get("allow"), "POST");
  const other = await call("DELETE", "/stock/find/1");
  assertProblem(other, 405, "method_not_allowed");
  assert.equal(other.headers.get("allow"), "GET, HEAD");
  const head = await call("HEAD", "/health");
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("health answers for each service and for all", async () => {
  for (const path of ["/health", "/orders/health", "/stock/health", "/payment/health"]) {
    const answer = await get(path);
    assert.deepEqual([answer.status, answer.json()["status"]], [200, "healthy"]);
  }
});

test("an Idempotency-Key makes every other POST happen once (a lost reply causes no second charge)", async () => {
  const [user, item] = [await newUser(100), await newItem(1, 10)];
  const order = await newOrder(user);
  const paths = [
    `/payment/pay/${user}/30`,
    `/payment/add_funds/${user}/5`,
    `/stock/add/${item}/5`,
    `/stock/subtract/${item}/2`,
    `/orders/addItem/${order}/${item}/2`,
    "/payment/create_user",
    "/stock/item/create/3",
    `/orders/create/${user}`,
    `/stock/subtract/${item}/1000`,
  ];
  for (const path of paths) {
    const headers = { "Idempotency-Key": randomUUID() };
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => post(path, headers)));
    for (const other of others) assert.deepEqual([other.status, other.text], [first?.status, first?.text], path);
  }
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 75);
  assert.equal((await get(`/stock/find/${item}`)).json()["stock"], 13);
  assert.deepEqual((await get(`/orders/find/${order}`)).json()["total_cost"], 2);
});

test("the same Idempotency-Key for another request is 422, and an invalid one 400", async () => {
  const user = await newUser(10);
  const headers = { "Idempotency-Key": randomUUID() };
  assert.equal((await post(`/payment/pay/${user}/1`, headers)).status, 200);
  assertProblem(await post(`/payment/pay/${user}/2`, headers), 422, "idempotency_key_reused");
  assertProblem(await post(`/payment/add_funds/${user}/1`, headers), 422, "idempotency_key_reused");
  assertProblem(await post(`/payment/pay/${user}/1`, { "Idempotency-Key": "a".repeat(256) }), 400, "invalid_input");
  assert.equal((await get(`/payment/find_user/${user}`)).json()["credit"], 9);
});

test("batch_init replaces items, users and orders with their outcomes, and can be repeated with a key", async () => {
  for (let life = 0; life < 2; life += 1) {
    assert.deepEqual((await post("/stock/batch_init/3/100/2")).json(), { msg: "Batch init for stock successful" });
    assert.deepEqual((await post("/payment/batch_init/3/50")).json(), { msg: "Batch init for users successful" });
    assert.deepEqual((await post("/orders/batch_init/4/3/3/2")).json(), { msg: "Batch init for orders successful" });
    const order = (await get("/orders/find/0")).json();
    assert.deepEqual([order["paid"], order["total_cost"], (order["items"] as string[]).length], [false, 4, 2]);
    assert.equal((await post("/orders/checkout/0")).status, 200);
    assert.equal((await get(`/payment/find_user/${String(order["user_id"])}`)).json()["credit"], 46);
  }
  const headers = { "Idempotency-Key": randomUUID() };
  assert.equal((await post("/payment/batch_init/3/70", headers)).status, 200);
  assert.equal((await post("/payment/pay/0/20")).status, 200);
  assert.equal((await post("/payment/batch_init/3/70", headers)).status, 200);
  assert.equal((await get("/payment/find_user/0")).json()["credit"], 50);
  assert.equal((await post("/orders/batch_init/0/1/1/1")).status, 200);
});

test("a request that is not HTTP, or whose path is invalid, does not reach the services", async () => {
  const status = await new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(served.url);
    const request = rawRequest({ host: hostname, port, method: "POST", path: "/stock/add/%/1" }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    request.end();
  });
  assert.equal(status, 400);
});
