import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openApiDocument } from "./openapi.ts";

test("openapi.json matches the routes (run `npm run openapi` after changing them)", () => {
  const committed: unknown = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
  assert.deepEqual(committed, JSON.parse(JSON.stringify(openApiDocument())));
});

test("every path of the contract is documented", () => {
  const paths = Object.keys(openApiDocument().paths ?? {});
  const orders = paths.filter((path) => path.startsWith("/orders/"));
  assert.equal(orders.filter((path) => !path.includes("/fault/")).length, 7);
  assert.equal(paths.filter((path) => path.includes("/fault/")).length, 9);
  for (const path of ["/stock/batch_init/{n}/{starting_stock}/{item_price}", "/payment/find_user/{user_id}"]) {
    assert.ok(paths.includes(path), path);
  }
});
