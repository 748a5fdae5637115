import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePrice, encodePrice } from "./price-messages.ts";

test("a price, and the absence of an item, survive the round trip", () => {
  for (const price of [0, 7, 1_000_000_000_000]) assert.equal(decodePrice(encodePrice(price)), price);
  assert.equal(decodePrice(encodePrice(undefined)), null);
});

test("a malformed message is no answer: neither an error nor a missing item", () => {
  for (const text of ["", "{", '"7"', "{}", "[7]", "-1", "1.5", "true"]) {
    assert.equal(decodePrice(new TextEncoder().encode(text)), undefined, text);
  }
});
