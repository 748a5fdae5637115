// Inputs are checked by whatever speaks Standard Schema.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInput, parseInput, type SchemaResult, type StandardSchema } from "./standard-schema.ts";

function schema(
  validate: (value: unknown) => SchemaResult<number> | Promise<SchemaResult<number>>,
): StandardSchema<number> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

test("the value that the schema made of it is the input", () => {
  assert.equal(
    parseInput(
      schema((value) => ({ value: Number(value) + 1 })),
      "41",
    ),
    42,
  );
});

test("falsy values are values", () => {
  assert.equal(
    parseInput(
      schema(() => ({ value: 0 })),
      0,
    ),
    0,
  );
});

test("all issues are reported", () => {
  const refusing = schema(() => ({ issues: [{ message: "no a" }, { message: "no b" }] }));
  assert.throws(() => parseInput(refusing, 1), { name: "InvalidInput", code: "invalid_input", message: "no a; no b" });
});

test("an empty list of issues is a refusal too", () => {
  assert.throws(
    () =>
      parseInput(
        schema(() => ({ issues: [] })),
        1,
      ),
    InvalidInput,
  );
});

test("a schema that answers later cannot be used", () => {
  assert.throws(
    () =>
      parseInput(
        schema(() => Promise.resolve({ value: 1 })),
        1,
      ),
    { code: "invalid_input" },
  );
});
