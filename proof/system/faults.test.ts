// Faults of another implementation, tried on the checkout system as a separate process.
import assert from "node:assert/strict";
import { test } from "node:test";
import { servedShop } from "./served-shop.ts";

const deadlineMs = 60_000;

const served = servedShop();

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

async function call(method: string, path: string): Promise<HttpAnswer> {
  const response = await fetch(served.url + path, { method });
  return { status: response.status, text: await response.text() };
}

const post = (path: string): Promise<HttpAnswer> => call("POST", path);

async function get(path: string): Promise<Record<string, unknown>> {
  const { status, text } = await call("GET", path);
  assert.equal(status, 200, `${path}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function make(path: string, field: string): Promise<string> {
  const { status, text } = await post(path);
  assert.equal(status, 200, `${path}: ${text}`);
  return String((JSON.parse(text) as Record<string, unknown>)[field]);
}

const codeOf = ({ text }: HttpAnswer): unknown => (JSON.parse(text) as Record<string, unknown>)["code"];

async function newUser(credit: number): Promise<string> {
  const user = await make("/payment/create_user", "user_id");
  assert.equal((await post(`/payment/add_funds/${user}/${credit}`)).status, 200);
  return user;
}

async function newItem(price: number, stock: number): Promise<string> {
  const item = await make(`/stock/item/create/${price}`, "item_id");
  assert.equal((await post(`/stock/add/${item}/${stock}`)).status, 200);
  return item;
}

async function newOrder(user: string, items: readonly string[]): Promise<string> {
  const order = await make(`/orders/create/${user}`, "order_id");
  for (const item of items) assert.equal((await post(`/orders/addItem/${order}/${item}/1`)).status, 200);
  return order;
}

test("after a reported success the order is paid and the money is spent, also for a duplicate request", async () => {
  const item = await newItem(3, 1_000);
  const asked = Array.from({ length: 12 }, async () => {
    const user = await newUser(10);
    const order = await newOrder(user, [item]);
    const each = Array.from({ length: 6 }, async () => {
      const { status, text } = await post(`/orders/checkout/${order}`);
      const [found, credit] = await Promise.all([get(`/orders/find/${order}`), get(`/payment/find_user/${user}`)]);
      return [status, text, found["paid"], credit["credit"]];
    });
    return Promise.all(each);
  });
  const answers = (await Promise.all(asked)).flat();
  assert.equal(answers.length, 72);
  for (const one of answers) assert.deepEqual(one, [200, "Checkout successful", true, 7]);
  assert.equal((await get(`/stock/find/${item}`))["stock"], 988);
});

test("items added during a checkout are paid for or refused, never free", async () => {
  const [first, late] = [await newItem(3, 1_000), await newItem(5, 1_000)];
  const seen = new Set<unknown>();
  let lateSold = 0;
  const giveUpAt = performance.now() + deadlineMs;
  const isMet = (): boolean => seen.has("order_in_checkout") || performance.now() > giveUpAt;
  for (let round = 0; round < 25 || !isMet(); round += 1) {
    const user = await newUser(100);
    const order = await newOrder(user, [first]);
    const add = (): Promise<HttpAnswer> => post(`/orders/addItem/${order}/${late}/1`);
    const [paid, ...added] = await Promise.all([post(`/orders/checkout/${order}`), add(), add(), add(), add()]);
    assert.equal(paid.status, 200, paid.text);
    for (const answer of added) seen.add(answer.status === 200 ? "added" : codeOf(answer));
    assert.equal(codeOf(await add()), "order_paid");
    const found = await get(`/orders/find/${order}`);
    const items = found["items"] as string[];
    const lateItems = items.filter((item) => item === late).length;
    lateSold += lateItems;
    assert.equal(lateItems, added.filter(({ status }) => status === 200).length);
    assert.equal(found["total_cost"], 3 + 5 * lateItems);
    assert.equal((await get(`/payment/find_user/${user}`))["credit"], 97 - 5 * lateItems);
  }
  assert.equal((await get(`/stock/find/${late}`))["stock"], 1_000 - lateSold);
  assert.ok(seen.has("order_in_checkout"), `answers seen: ${[...seen].join()}`);
});

test("the refusal of an empty order is not remembered: with an item its checkout succeeds at once", async () => {
  const [user, item] = [await newUser(10), await newItem(4, 1)];
  const order = await newOrder(user, []);
  for (let times = 0; times < 3; times += 1) {
    assert.equal(codeOf(await post(`/orders/checkout/${order}`)), "order_empty");
  }
  assert.equal((await post(`/orders/addItem/${order}/${item}/1`)).status, 200);
  assert.equal((await post(`/orders/checkout/${order}`)).status, 200);
  assert.equal((await get(`/payment/find_user/${user}`))["credit"], 6);
});

test("an order has at most 500 entries, and an order of 500 can still be read and paid", async () => {
  const [user, item] = [await newUser(500), await newItem(1, 600)];
  const order = await newOrder(user, []);
  const answers = await Promise.all(Array.from({ length: 520 }, () => post(`/orders/addItem/${order}/${item}/1`)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 500);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.deepEqual([...new Set(refused.map(codeOf))], ["order_too_large"]);
  assert.equal((await post(`/orders/checkout/${order}`)).status, 200);
  assert.equal((await get(`/stock/find/${item}`))["stock"], 100);
  assert.equal((await get(`/payment/find_user/${user}`))["credit"], 0);
});

test("seeding 50,000 rows does not keep other requests waiting", async () => {
  let seeding = true;
  const seeded = Promise.all([
    post("/stock/batch_init/50000/10/1"),
    post("/payment/batch_init/50000/10"),
    post("/orders/batch_init/50000/50000/50000/1"),
  ]).finally(() => {
    seeding = false;
  });
  let answered = 0;
  while (seeding) {
    await get("/health");
    answered += 1;
  }
  assert.deepEqual(
    (await seeded).map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal((await post("/orders/checkout/49999")).status, 200);
  assert.ok(answered > 2, `${answered} requests were answered meanwhile`);
});

test("no served path can break, stop or control a service, and only this machine is served", async () => {
  for (const service of ["", "/orders", "/stock", "/payment"]) {
    for (const path of ["/fault/set", "/fault/clear", "/fault/rules", "/metrics", "/crash", "/debug", "/admin"]) {
      for (const method of ["POST", "GET"]) {
        assert.equal((await call(method, service + path)).status, 404, service + path);
      }
    }
  }
  assert.equal(new URL(served.url).hostname, "127.0.0.1");
  assert.equal((await get("/health"))["status"], "healthy");
});
