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

test("a server that other machines reach has names that it does not know, and still refuses other sites", () => {
  const open = { onlyLoopback: false };
  assert.equal(refusalOf(requestWith({ host: "shop.example" }), open), undefined);
  assert.equal(refusalOf(requestWith({ host: "shop.example", origin: "https://shop.example" }), open), undefined);
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
    assert.equal(refusalOf(requestWith({ host: "shop.example", ...headers }), open)?.code, "cross_site_request");
  }
  assert.equal(refusalOf(requestWith({ host: "shop.example" }), { onlyLoopback: true })?.code, "misdirected_request");
});
