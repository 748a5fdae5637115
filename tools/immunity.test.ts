// docs/reference/immunity.md stays true: every test that it names as a proof exists in the file that it names.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { test } from "node:test";
import { root } from "./source-tree.ts";

const folder = "docs/reference";
const faults = 57;

interface Fault {
  readonly id: string;
  readonly status: string;
  readonly proof: string;
}

const table: readonly Fault[] = readFileSync(join(root, folder, "immunity.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| D"))
  .map((line) => {
    const [, id = "", , status = "", proof = ""] = line.split(/ ?\| ?/);
    return { id, status, proof };
  });

/** Files and names of tests in a cell: a link, a colon, and then names in backticks. */
function proofsOf({ proof }: Fault): (readonly [path: string, name: string])[] {
  let path = "";
  const proofs: (readonly [string, string])[] = [];
  for (const [, linked, name] of proof.matchAll(/\]\(([^)]+)\)|`([^`]+)`/g)) {
    if (linked !== undefined) path = normalize(join(folder, linked));
    else if (name !== undefined) proofs.push([path, name]);
  }
  return proofs;
}

/** Whether the file has a test or a case with exactly this name, written as a literal. */
function hasTest(text: string, name: string): boolean {
  const quoted = name.includes("${") ? [`\`${name}\``] : [`"${name}"`, `\`${name}\``, `'${name}'`];
  const before = (literal: string): string[] => text.split(literal).slice(0, -1);
  return quoted.some((literal) => before(literal).some((part) => /(\btest\(|\bname:)\s*$/.test(part)));
}

test("every fault is on the page, and every proof that it names exists", () => {
  assert.deepEqual(
    table.map(({ id }) => id),
    Array.from({ length: faults }, (_, index) => `D${index + 1}`),
  );
  const missing: string[] = [];
  for (const fault of table) {
    const proofs = proofsOf(fault);
    const isSettled = fault.status.startsWith("settled");
    assert.match(fault.status, /^(settled|not applicable: .|later: operations$)/);
    if (isSettled && proofs.length === 0) missing.push(`${fault.id} is settled without a proof`);
    for (const [path, name] of proofs) {
      if (!existsSync(join(root, path))) missing.push(`${fault.id}: there is no file ${path}`);
      else if (!hasTest(readFileSync(join(root, path), "utf8"), name))
        missing.push(`${fault.id}: ${path} has no "${name}"`);
    }
  }
  assert.deepEqual(missing, []);
});

test("a missing proof is detected", () => {
  const fault = { id: "D1", status: "settled", proof: "[a.test.ts](../../tools/a.test.ts): `one`; `two ${x}`" };
  assert.deepEqual(proofsOf(fault), [
    ["tools/a.test.ts", "one"],
    ["tools/a.test.ts", "two ${x}"],
  ]);
  const text = 'test("one", () => {});\n// test two ${x}\n{ name: "three" }';
  assert.deepEqual([hasTest(text, "one"), hasTest(text, "on"), hasTest(text, "two ${x}")], [true, false, false]);
  assert.equal(hasTest(text, "three"), true);
});
