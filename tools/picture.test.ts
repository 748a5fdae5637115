// The picture of the folders is drawn from the imports, and the one in ARCHITECTURE.md is up to date.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pictureOf, reduced, withPicture } from "./picture.ts";
import { root } from "./source-tree.ts";

test("ARCHITECTURE.md shows the current imports (run `npm run picture` to update it)", () => {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  assert.equal(text, withPicture(text));
});

test("an arrow that others imply is omitted, and every room is in its frame", () => {
  const graph = new Map([
    ["checkout/order", new Set(["packages/redis", "packages/assent/src/ports"])],
    ["packages/redis", new Set(["packages/assent/src/ports"])],
  ]);
  const picture = pictureOf(reduced(graph));
  assert.match(picture, /checkout_order --> packages_redis\n/);
  assert.doesNotMatch(picture, /checkout_order --> packages_assent_src_ports/);
  assert.match(picture, /subgraph "assent, the library"\n {4}packages_assent_src_ports\["ports"\]\n {2}end/);
});
