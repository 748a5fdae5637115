import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { refusalOf } from "./request-policy.ts";

const requestWith = (headers: Record<string, string>): IncomingMessage =>
  ({
    method: "POST",
    url: "/payment/create_user",
    headers,
    rawHeaders: Object.entries(headers).flat(),
  }) as unknown as IncomingMessage;

test("a server on a public address accepts any host name, and still refuses requests of other sites", () => {
  const open = { onlyLoopback: false, self: {} };
  assert.equal(refusalOf(requestWith({ host: "shop.example" }), open), undefined);
  assert.equal(refusalOf(requestWith({ host: "shop.example", origin: "https://shop.example" }), open), undefined);
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
    assert.equal(refusalOf(requestWith({ host: "shop.example", ...headers }), open)?.code, "cross_site_request");
  }
  assert.equal(
    refusalOf(requestWith({ host: "shop.example" }), { onlyLoopback: true, self: {} })?.code,
    "misdirected_request",
  );
});

test("a request that names another process is refused, and a request that names none is served", () => {
  const refused = (headers: Record<string, string>, self: { system?: string; instance?: string }): boolean =>
    refusalOf(requestWith({ host: "shop.example", ...headers }), { onlyLoopback: false, self })?.code ===
    "misdirected_request";
  const self = { system: "a", instance: "order-0" };
  assert.equal(refused({}, self), false);
  assert.equal(refused({ "assent-system": "a" }, self), false);
  assert.equal(refused({ "assent-system": "a", "assent-instance": "order-0" }, self), false);
  assert.equal(refused({ "assent-system": "b" }, self), true);
  assert.equal(refused({ "assent-system": "a", "assent-instance": "order-1" }, self), true);
  assert.equal(refused({ "assent-system": "a" }, {}), true, "a process without a name is not the addressed one");
});
