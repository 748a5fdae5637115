import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDocument, checkNames, checkSource, checkWords, fileLinesMax } from "./tidy.ts";

const messages = (path: string, text: string) => checkSource(path, text).map((finding) => finding.message);

test("tidy lets a clean file pass", () => {
  assert.deepEqual(checkSource("packages/assent/src/protocol/a.ts", "export const a = 1;\n"), []);
});

test("tidy finds a long file, a long line and unfinished work", () => {
  assert.match(messages("tools/a.ts", "a;\n".repeat(fileLinesMax + 1)).join(), /split it by concept/);
  assert.match(messages("tools/a.ts", `${"a".repeat(121)}\n`).join(), /121 columns/);
  assert.match(messages("tools/a.ts", `// ${"TO"}DO later\n`).join(), /unfinished work/);
});

test("tidy finds an import that goes up", () => {
  const text = 'import { x } from "assent/internal/coordinator";\n';
  assert.match(messages("packages/assent/src/protocol/a.ts", text).join(), /rank 0.* must not import .*rank 2/);
  assert.deepEqual(messages("packages/assent/src/ledger/a.ts", text), []);
  const ofProof = 'import { x } from "@assent/simulator";\n';
  assert.match(messages("checkout/cli/src/a.ts", ofProof).join(), /the product does not depend on the proof/);
  assert.deepEqual(messages("checkout/cli/src/a.test.ts", ofProof), []);
});

test("tidy finds a second title, an ADR without its sections and a vague name", () => {
  assert.equal(checkDocument("a.md", "# One\n\n# Two\n").length, 1);
  assert.equal(checkDocument("docs/adr/0001-x.md", "# One\n\n## Context\n").length, 3);
  assert.equal(checkNames(["packages/a/src/utils.ts", "packages/a/src/good-name.ts"]).length, 1);
});

test("tidy finds words that do not belong here, with the words to use instead", () => {
  const [finding] = checkWords(
    "checkout/cli/src/a.ts",
    `// ok\n// The caller is ${["to", "ld"].join("")} the outcome.\n`,
  );
  assert.deepEqual([finding?.line, finding?.message.includes("return, report")], [2, true]);
  assert.deepEqual(checkWords("checkout/cli/src/a.ts", "// The caller gets the outcome.\n"), []);
});
