import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { openApiDocument } from "./openapi.ts";
import { isProblemCode, problemCodes, statusByCode } from "./problem.ts";

const root = new URL("../../../", import.meta.url);

/** The sources of the reasons of an aborted transaction. */
const sources = [
  "packages/assent/src/protocol",
  "packages/assent/src/coordinator",
  "packages/assent/src/ledger",
  "checkout/order/src",
];
const handlers = ["checkout/stock/src", "checkout/payment/src"];

const reasonPatterns = [
  /"abort", "(\w+)"/g,
  /kind: "abort", reason: (?:[\w.]+ \?\? )?"(\w+)"/g,
  /kind: "refused", reason: (?:[\w.]+ \?\? )?"(\w+)"/g,
  /\b(?:refusal|reason) \?\? "(\w+)"/g,
  /refuse\(command, "(\w+)"/g,
  /withdraw\("(\w+)"\)/g,
  /failure: (?:[^"\n]* : )?"(\w+)"/g,
  /(?:insufficient|absent): "(\w+)"/g,
];

/** Codes of the ledger's own writes and of a row's guards, which are not reasons. */
const others = ["too_large", "insufficient"];

function textsUnder(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .map((name) => readFileSync(new URL(`${folder}/${name}`, root), "utf8")),
  );
}

test("every reason for refusing a checkout is a code of the contract", () => {
  const found = textsUnder([...sources, ...handlers]).flatMap((text) =>
    reasonPatterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, reason]) => reason ?? "")),
  );
  const reasons = new Set(found.filter((reason) => !others.includes(reason)));
  for (const known of ["timeout", "contended", "row_changed", "deadline_passed", "insufficient_stock", "no_branches"]) {
    assert.ok(reasons.has(known), `${known} is no longer found: update where this test looks for reasons`);
  }
  const missing = [...reasons].filter((reason) => !isProblemCode(reason));
  assert.deepEqual(missing, [], "reasons without a code");
});

test("openapi.json lists every code with its HTTP status", () => {
  const schema = openApiDocument().components?.schemas?.["Problem"] as Record<string, unknown>;
  assert.deepEqual((schema["properties"] as { code: { enum: unknown } }).code.enum, problemCodes);
  assert.deepEqual(schema["x-status-by-code"], statusByCode);
});

test("no part of a service sends a code outside that list: Problem creates all of them", () => {
  const texts = textsUnder([
    ...sources,
    ...handlers,
    "checkout/contract/src",
    "checkout/topology/src",
    "checkout/cli/src/http",
  ]);
  const literal = /\{ error: [^}]*\bcode: ?"\w+"/;
  assert.deepEqual(
    texts.filter((text) => literal.test(text)),
    [],
  );
});
