import { systemClock, systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultApp } from "./fault-app.ts";
import { faultControl, performFaultRequest } from "./fault-control.ts";
import { participantPoints } from "./fault-rule.ts";
import { FaultRules } from "./fault-rules.ts";

const headers = { "content-type": "application/json" };
const rule = JSON.stringify({ point: "before_prepare", action: "error" });

/** The API of a service with this many reachable processes. */
function appOf(processes: number) {
  const options = { points: participantPoints, clock: systemClock, random: systemRandom, crash: () => undefined };
  const rules = Array.from({ length: processes }, () => new FaultRules(options));
  const control = faultControl(participantPoints, async (request) =>
    rules.map((each, index) => performFaultRequest(each, `stock-${index}`, request)),
  );
  return { app: faultApp("stock", control, () => undefined), rules };
}

test("a rule is set in every process, and removed in every process", async () => {
  const { app, rules } = appOf(2);
  assert.equal((await app.request("/stock/fault/set", { method: "POST", headers, body: rule })).status, 200);
  assert.deepEqual(
    rules.map((each) => each.list().length),
    [1, 1],
  );
  assert.deepEqual(await (await app.request("/stock/fault/rules")).json(), {
    before_prepare: { action: "error", value: 0 },
  });
  assert.equal((await app.request("/stock/fault/clear", { method: "POST" })).status, 200);
  assert.deepEqual(
    rules.map((each) => each.list().length),
    [0, 0],
  );
});

test("a rule that reached no process is not reported as set", async () => {
  const { app } = appOf(0);
  for (const [path, init] of [
    ["/stock/fault/set", { method: "POST", headers, body: rule }],
    ["/stock/fault/clear", { method: "POST" }],
    ["/stock/fault/rules", {}],
  ] as const) {
    const response = await app.request(path, init);
    const { code } = (await response.json()) as { code: unknown };
    assert.deepEqual([response.status, code], [400, "faults_unreachable"], path);
  }
});

test("a rule is accepted as application/json only, which pages of other sites cannot send", async () => {
  const { app, rules } = appOf(1);
  const set = (type: string): Promise<Response> =>
    Promise.resolve(app.request("/stock/fault/set", { method: "POST", headers: { "content-type": type }, body: rule }));
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/jsonp",
    "",
  ]) {
    const refused = await set(type);
    const { code } = (await refused.json()) as { code: unknown };
    assert.deepEqual([refused.status, code], [415, "unsupported_media_type"], type);
  }
  assert.deepEqual(rules[0]?.list(), []);
  for (const type of ["application/json", "Application/JSON; charset=utf-8"])
    assert.equal((await set(type)).status, 200);
});
