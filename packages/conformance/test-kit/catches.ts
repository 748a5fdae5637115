// The proof that a suite tests something: deliberately broken adapters, each of which it has to catch.
import { failuresOf, type Open, type Suite } from "@assent/conformance";
import assert from "node:assert/strict";
import { describe, test } from "node:test";

export interface Broken<Adapter> {
  /** Completes "catches an adapter that …". */
  readonly that: string;
  readonly open: Open<Adapter>;
  /** Beginnings of the names of cases that have to fail; others may. */
  readonly caughtBy: readonly [string, ...string[]];
}

export interface Proof<Adapter> {
  readonly good: Open<Adapter>;
  readonly broken: readonly Broken<Adapter>[];
}

/** Registers tests: the good adapter passes, each broken one is caught, and no case is without something to catch. */
export function provesItself<Adapter>(suite: Suite<Adapter>, { good, broken }: Proof<Adapter>): void {
  describe(`the suite of ${suite.name}`, () => {
    const caught = new Set<string>();

    test("a correct adapter passes every case", async () => {
      const names = suite.cases.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, "names of cases are unique");
      assert.deepEqual(await failuresOf(suite, good), []);
    });

    for (const { that, open, caughtBy } of broken) {
      test(`catches an adapter that ${that}`, async () => {
        const failures = await failuresOf(suite, open);
        for (const name of failures) caught.add(name);
        for (const expected of caughtBy) {
          assert.ok(
            suite.cases.some(({ name }) => name.startsWith(expected)),
            `there is no case "${expected}"`,
          );
          assert.ok(
            failures.some((name) => name.startsWith(expected)),
            `"${expected}" passes, only ${list(failures)}`,
          );
        }
        // An adapter that fails everywhere would prove nothing about the case that it is caught by.
        assert.ok(failures.length < suite.cases.length * 0.8, `it is useless, not broken: ${list(failures)}`);
      });
    }

    test("every case catches at least one broken adapter", () => {
      const idle = suite.cases.filter(({ name }) => !caught.has(name));
      assert.deepEqual(
        idle.map(({ name }) => name),
        [],
      );
    });
  });
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing fails" : `these fail:\n  ${names.join("\n  ")}\n`;
}
