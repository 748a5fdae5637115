// Health reports a problem by a stable code.
import { Hono } from "hono";
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerHealth } from "./health.ts";

async function healthOf(check: () => Promise<object>): Promise<readonly [number, unknown]> {
  const app = new Hono();
  app.get("/health", (context) => answerHealth(context, check) as unknown as Response);
  const response = await app.request("/health");
  const body = (await response.json()) as { status?: string; code?: string };
  return [response.status, body.status ?? body.code];
}

const failing = (code?: string) => () => Promise.reject(Object.assign(new Error("asked to"), code && { code }));

test("each failure since the start is reported with its own code", async () => {
  for (const code of ["nats_unavailable", "broker_unsuitable", "unsuitable_server"]) {
    assert.deepEqual(await healthOf(failing(code)), [503, code]);
  }
  for (const code of [undefined, "ECONNREFUSED", "not_found", "toString"]) {
    assert.deepEqual(await healthOf(failing(code)), [503, "unavailable"]);
  }
  assert.deepEqual(await healthOf(() => Promise.resolve({ durability: "D1" })), [200, "healthy"]);
});
