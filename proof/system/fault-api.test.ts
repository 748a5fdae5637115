// The fault API: the reference's schemas, clear refusals, and no API at all unless it is enabled.
import { serveSomewhere, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { test } from "node:test";
import { servedShop } from "./served-shop.ts";

const served = servedShop({ faults: true });

async function call(
  method: string,
  path: string,
  body?: string | ReadableStream,
): Promise<[status: number, body: unknown]> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(served.url + path, {
    method,
    ...(body !== undefined && { headers, body, duplex: "half" }),
  });
  return [response.status, await response.json()];
}

const services = [
  ["stock", "before_prepare"],
  ["payment", "after_compensate"],
  ["orders", "after_decide"],
] as const;

test("a rule is set, listed, replaced and cleared, in every service with the reference's schemas", async () => {
  for (const [service, point] of services) {
    const set = (rule: object): Promise<[number, unknown]> =>
      call("POST", `/${service}/fault/set`, JSON.stringify(rule));
    assert.deepEqual(await set({ point, action: "error" }), [200, { status: "ok" }]);
    assert.deepEqual(await set({ point, action: "delay", value: 5 }), [200, { status: "ok" }]);
    assert.deepEqual(await call("GET", `/${service}/fault/rules`), [200, { [point]: { action: "delay", value: 5 } }]);
    const [, detail] = await call("GET", `/${service}/fault/rules?detail=1`);
    const { instances } = detail as { instances: { instance: string; rules: unknown[] }[] };
    assert.deepEqual(instances[0]?.rules, [{ point, action: "delay", value: 5, fired: 0 }]);
    assert.deepEqual(await call("POST", `/${service}/fault/clear?point=${point}`), [200, { status: "ok" }]);
    assert.deepEqual(await call("GET", `/${service}/fault/rules`), [200, {}]);
    assert.deepEqual(await set({ point, action: "delay" }), [200, { status: "ok" }]);
    await set({ point, action: "error" });
    assert.deepEqual(await call("POST", `/${service}/fault/clear`), [200, { status: "ok" }]);
    assert.deepEqual(await call("GET", `/${service}/fault/rules`), [200, {}]);
  }
});

test("an invalid rule is 400 and changes nothing", async () => {
  const bodies = [
    "",
    "no JSON",
    "[]",
    JSON.stringify({ point: "before_prepare" }),
    JSON.stringify({ action: "crash" }),
    JSON.stringify({ point: "before_nothing", action: "crash" }),
    JSON.stringify({ point: "before_decide", action: "crash" }),
    JSON.stringify({ point: "before_prepare", action: "explode" }),
    JSON.stringify({ point: "before_prepare", action: "delay", value: -1 }),
    JSON.stringify({ point: "before_prepare", action: "error", count: 0 }),
    JSON.stringify({ point: "before_prepare", action: "error", probability: 2 }),
    JSON.stringify({ point: "before_prepare", action: "error", extra: 1 }),
  ];
  for (const body of bodies) {
    const [status, answer] = await call("POST", "/stock/fault/set", body);
    assert.deepEqual([status, (answer as { code: string }).code], [400, "invalid_fault"], body);
  }
  const long = JSON.stringify({ point: "x".repeat(70_000), action: "crash" });
  for (const body of [long, new Blob([long]).stream()]) {
    const [status, answer] = await call("POST", "/stock/fault/set", body);
    assert.deepEqual([status, (answer as { code: string }).code], [413, "body_too_large"]);
  }
  const [status, answer] = await call("POST", "/stock/fault/clear?point=nowhere");
  assert.deepEqual([status, (answer as { code: string }).code], [400, "invalid_fault"]);
  assert.deepEqual(await call("GET", "/stock/fault/rules"), [200, {}]);
});

test("unless it is enabled there is no fault API", async () => {
  const other = temporaryFolder();
  const plain = await serveSomewhere({ dataFolder: other.path });
  for (const [method, path] of [
    ["POST", "/stock/fault/set"],
    ["POST", "/payment/fault/clear"],
    ["GET", "/orders/fault/rules"],
  ] as const) {
    const { status } = await fetch(plain.url + path, { method });
    assert.equal(status, 404, path);
  }
  assert.equal(await plain.stop(), 0);
  other.remove();
});
