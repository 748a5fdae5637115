// Every rule of the protocol has a mutant, and each mutant outside the simulator is caught by the test that it names.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulatedMutants } from "./mutants/simulated-mutants.ts";
import { patched } from "./mutants/apply-mutant.ts";
import { mutantRows, otherRules, protocolRules, rulesPage } from "./mutants/rules.ts";
import { testedMutants } from "./mutants/tested-mutants.ts";

const root = new URL("../../../", import.meta.url);
const preload = new URL("./mutants/preload-mutant.ts", import.meta.url).href;

test("every rule has a mutant, every mutant names a rule, and the page lists them", () => {
  const rules = protocolRules();
  const named = new Set(mutantRows().map(({ rule }) => rule));
  assert.equal(rules.length, 35, "C1–C7, P1–P10, R1–R7, M1–M4, S1–S7");
  assert.deepEqual(
    rules.filter((rule) => !named.has(rule)),
    [],
    "rules without a mutant",
  );
  assert.deepEqual(
    [...named].filter((rule) => !rules.includes(rule) && !otherRules.includes(rule)),
    [],
    "mutants of no rule",
  );
  const page = readFileSync(new URL("docs/reference/rules-and-mutants.md", root), "utf8");
  assert.equal(page, rulesPage(), "the page is out of date: npm run rules");
});

test("every mutant has a unique id, and each of its guards occurs exactly once", () => {
  const ids = [...simulatedMutants, ...testedMutants].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { edits } of testedMutants) {
    for (const edit of edits) patched(edit, readFileSync(new URL(edit.file, root), "utf8"));
  }
});

interface Run {
  readonly code: number | string | null | undefined;
  readonly output: string;
}

/** Runs the tests with these names, with a mutant or with the unmodified sources. */
function runTests(file: string, names: readonly string[], mutant?: string): Promise<Run> {
  const patterns = names.map((name) => `--test-name-pattern=^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
  const preloaded = mutant === undefined ? [] : ["--import", preload];
  const args = [...preloaded, "--test-reporter=tap", ...patterns, file];
  const env = { ...process.env, ASSENT_MUTANT: mutant, NODE_TEST_CONTEXT: undefined };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: fileURLToPath(root), env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

/** The tests with this verdict. A skipped test has none: its line ends with the directive. */
function testsThat(verdict: "ok" | "not ok", output: string): readonly string[] {
  return [...output.matchAll(/^\s*(not ok|ok) \d+ - (.*)$/gm)]
    .filter(([, each]) => each === verdict)
    .map(([, , name = ""]) => name);
}

describe("a mutant is caught by the test that it names", { concurrency: 2 }, () => {
  for (const { id, test: proof } of testedMutants) {
    test(id, async () => {
      const { code, output } = await runTests(proof.file, [proof.name], id);
      assert.equal(code, 1, output);
      assert.ok(testsThat("not ok", output).includes(proof.name), output);
    });
  }
});

describe("a test that catches a mutant passes without it", { concurrency: 2 }, () => {
  for (const [file, mutants] of Map.groupBy(testedMutants, (mutant) => mutant.test.file)) {
    const names = [...new Set(mutants.map((mutant) => mutant.test.name))];
    test(file, async () => {
      const { code, output } = await runTests(file, names);
      assert.equal(code, 0, output);
      const passed = testsThat("ok", output);
      assert.deepEqual(
        names.filter((name) => !passed.includes(name)),
        [],
        output,
      );
    });
  }
});
