// Responses of a checkout whose stores fail: a 5xx only if nothing was begun, and never a guessed outcome.
import { Problem } from "@assent/contract";
import { Orchestrator } from "assent/internal/coordinator";
import { type Transport } from "assent/internal/ports";
import { defaultLimits } from "assent/internal/protocol";
import { Executor, GroupCommitExecutor, keyedLog, StoreClosed, StoreFailure } from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkout } from "./checkout.ts";
import { orderApp } from "./order-app.ts";
import { OrderService, type PriceLookup } from "./order-service.ts";
import { orderOperations } from "./order-store.ts";

const failures = ["step_failed", "store_full", "store_broken"] as const;

const alwaysOne = (): Promise<number> => Promise.resolve(1);

interface AppOptions {
  readonly priceOf?: PriceLookup;
  readonly send?: Transport["send"];
}

/** The app on a store that fails every call of these operations. */
function appOver(
  failing: readonly string[],
  code: StoreFailure["code"],
  { priceOf = alwaysOne, send = () => Promise.resolve(undefined) }: AppOptions = {},
) {
  const executor = new GroupCommitExecutor({
    engine: new MemoryEngine(),
    operations: orderOperations(defaultLimits),
    now: () => systemClock.now(),
    schedule: nextTurn,
  });
  const store = Executor.over((call) =>
    failing.includes(call.name) && call.once === undefined
      ? Promise.reject(new StoreFailure(code, "asked to"))
      : executor.perform(call),
  );
  const reported: unknown[] = [];
  const log = keyedLog(store);
  const orchestrator = new Orchestrator({
    service: "order",
    owner: "test",
    definitions: [checkout],
    log,
    transport: { send },
    clock: systemClock,
    random: systemRandom,
  });
  const service = new OrderService({ orchestrator, store, log, priceOf, random: systemRandom });
  return { app: orderApp(service, (error) => reported.push(error)), service, executor, reported };
}

async function problemOf(response: Response): Promise<{ status: number; code: unknown }> {
  return { status: response.status, code: ((await response.json()) as { code: unknown }).code };
}

for (const code of failures) {
  const answer =
    code === "store_broken" ? { status: 409, code: "checkout_pending" } : { status: 400, code: "store_unavailable" };
  test(`a checkout whose store fails (${code}) is ${answer.code}, and may be retried`, async () => {
    const { app } = appOver(["begin"], code);
    const response = await app.request("/orders/checkout/1", { method: "POST" });
    assert.ok(Number(response.headers.get("retry-after")) >= 1);
    assert.deepEqual(await problemOf(response), answer);
  });

  test(`another request whose store fails (${code}) reports what was changed, and is not a 5xx`, async () => {
    const { app } = appOver(["putRow", "readRow"], code);
    const created = await app.request("/orders/create/u1", { method: "POST" });
    assert.deepEqual(await problemOf(created), { status: 400, code });
    assert.deepEqual(await problemOf(await app.request("/orders/find/1")), { status: 400, code });
  });
}

test("health distinguishes a store that refuses writes from one that does not answer", async () => {
  for (const [failure, code] of [
    ["store_full", "writes_refused"],
    ["store_broken", "unavailable"],
  ] as const) {
    const { app } = appOver(["probe"], failure);
    assert.deepEqual(await problemOf(await app.request("/orders/health")), { status: 503, code });
  }
  assert.equal((await appOver([], "step_failed").app.request("/orders/health")).status, 200);
});

test("requests after the store was closed are refused, but not reported, because the process stops", async () => {
  const { app, service, reported } = appOver([], "step_failed");
  service.find = () => Promise.reject(new StoreClosed());
  assert.deepEqual(await problemOf(await app.request("/orders/find/1")), { status: 400, code: "step_failed" });
  assert.deepEqual(reported, []);
});

test("an unexpected error is logged, and reveals nothing to the client", async () => {
  const { app, service, reported } = appOver([], "step_failed");
  service.find = () => Promise.reject(new Error("secret"));
  const response = await app.request("/orders/find/1");
  const body = await response.text();
  assert.equal(response.status, 500);
  assert.doesNotMatch(body, /secret/);
  assert.equal(reported.length, 1);
});

test("a checkout that fails unexpectedly is pending, neither a 5xx nor a refusal", async () => {
  for (const error of [new Error("secret"), new StoreFailure("store_broken", "asked to")]) {
    const { app, service, reported } = appOver([], "step_failed");
    service.checkout = () => Promise.reject(error);
    const response = await app.request("/orders/checkout/1", { method: "POST" });
    assert.ok(Number(response.headers.get("retry-after")) >= 1);
    assert.deepEqual(await problemOf(response), { status: 409, code: "checkout_pending" });
    assert.deepEqual(reported, [error]);
  }
});

test("a repeated addItem gets the same answer in every state of the stock service", async () => {
  const away = new Problem("stock_unavailable", "Nothing was added; try again.");
  const prices = [5, away, undefined, away];
  const priceOf = async (): Promise<number | undefined> => {
    const price = prices.shift();
    if (price instanceof Problem) throw price;
    return price;
  };
  const { app, service } = appOver([], "step_failed", { priceOf });
  const order = await service.create("u1");
  const add = (key: string) =>
    app.request(`/orders/addItem/${order}/7/1`, { method: "POST", headers: { "Idempotency-Key": key } });
  const first = await (await add("a")).text();
  assert.equal(await (await add("a")).text(), first, "stock does not answer");
  assert.equal(await (await add("a")).text(), first, "the item is gone");
  assert.deepEqual(await problemOf(await add("b")), { status: 400, code: "stock_unavailable" });
  assert.equal((await service.find(order)).total, 5);
});

test("an order replaced by seeding during its checkout is not charged, and is reported as replaced", async () => {
  const applied: string[] = [];
  let isSeeded = false;
  const send: Transport["send"] = async ({ service: to }, { verb }) => {
    if (!isSeeded) {
      isSeeded = true;
      await service.seed(seeded);
    }
    applied.push(`${verb} ${to}`);
    if (verb === "prepare") return { kind: "done", state: "prepared" };
    return { kind: "done", state: verb === "commit" ? "committed" : "aborted" };
  };
  const seeded = { count: 1, items: 1, users: 1, itemPrice: 5 };
  const { app, service } = appOver([], "step_failed", { send });
  await service.seed(seeded);
  const replaced = await app.request("/orders/checkout/0", { method: "POST" });
  const problem = (await replaced.json()) as { error: string; code: string };
  assert.deepEqual([replaced.status, problem.code], [400, "row_changed"]);
  assert.match(problem.error, /^Checkout failed: row_changed\. Order: 0 was replaced .* Nothing was charged/);
  assert.deepEqual(applied.splice(0).sort(), ["abort payment", "abort stock", "prepare payment", "prepare stock"]);
  const paid = await app.request("/orders/checkout/0", { method: "POST" });
  assert.deepEqual([paid.status, await paid.text()], [200, "Checkout successful"]);
  assert.ok(!applied.some((each) => each.startsWith("abort")));
});
