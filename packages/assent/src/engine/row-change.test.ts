import type { FieldCondition, Row } from "../ports/index.ts";
import type { Json, JsonObject } from "../protocol/index.ts";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFields, changedRow, meets } from "./row-change.ts";

const fields: JsonObject = { state: "open", units: 2, paid: false, note: null, lines: ["a"], address: { city: "x" } };
const row: Row = { key: "order-1", incarnation: "life1", attempt: 3, outcome: "none", fields };

test("C4 a condition that holds is met", () => {
  const met: readonly FieldCondition[] = [
    { field: "state", is: "open" },
    { field: "units", is: 2 },
    { field: "units", atMost: 2 },
    { field: "units", atLeast: 2 },
    { field: "units", atLeast: 2, atMost: 2, is: 2 },
    { field: "paid", is: false },
    { field: "note", is: null },
    { field: "lines", is: ["a"] },
    { field: "address", is: { city: "x" } },
    { field: "note" },
  ];
  for (const condition of met) assert.ok(meets(fields, [condition]), JSON.stringify(condition));
  assert.ok(meets(fields, met));
  assert.ok(meets(fields, []));
  assert.ok(meets(fields));
});

test("C4 a condition that does not hold, or is about an absent field, is not met, and spoils all others", () => {
  const unmet: readonly FieldCondition[] = [
    { field: "state", is: "Open" },
    { field: "units", is: "2" },
    { field: "units", is: null },
    { field: "units", atMost: 1.5 },
    { field: "units", atLeast: 2.5 },
    { field: "units", atLeast: 0, atMost: 1 },
    { field: "state", atLeast: 0 },
    { field: "state", atMost: 0 },
    { field: "note", atMost: 0 },
    { field: "paid", atMost: 1 },
    { field: "paid", is: 0 },
    { field: "lines", is: [] },
    { field: "nothing", is: null },
    { field: "nothing", atLeast: -1 },
    { field: "nothing" },
  ];
  for (const condition of unmet) {
    assert.equal(meets(fields, [condition]), false, JSON.stringify(condition));
    assert.equal(meets(fields, [{ field: "state", is: "open" }, condition]), false, JSON.stringify(condition));
  }
});

test("C4 set, increment and append work together, on what set has put", () => {
  const change = { set: { units: 10, list: [] }, increment: { units: 5 }, append: { list: "x", lines: { b: 1 } } };
  const after = { ...fields, units: 15, list: ["x"], lines: ["a", { b: 1 }] };
  assert.deepEqual(changedFields(fields, change), after);
});

test("C4 a change leaves what it was made from as it was", () => {
  const before = structuredClone(fields);
  const change = { set: { state: "paid" }, increment: { units: 1 }, append: { lines: "b" } };
  const changed = changedRow(row, change);
  assert.deepEqual(fields, before);
  assert.deepEqual(changed, { ...row, fields: { ...fields, state: "paid", units: 3, lines: ["a", "b"] } });
});

test("C4 a change whose conditions do not hold is none; no change is the row", () => {
  assert.equal(changedRow(row, { expect: [{ field: "state", is: "shut" }], set: { state: "x" } }), undefined);
  assert.equal(changedRow(row, undefined), row);
  assert.deepEqual(changedRow(row, {}), row);
});

test("S3 a sum that is no safe integer is refused", () => {
  for (const [start, by] of [
    [Number.MAX_SAFE_INTEGER, 1],
    [Number.MIN_SAFE_INTEGER, -1],
    [1, 0.5],
    [1, NaN],
  ] as const) {
    assert.throws(() => changedFields({ sum: start }, { increment: { sum: by } }), /S3/, JSON.stringify([start, by]));
  }
});

test("C4 what is no number is not counted up", () => {
  for (const start of ["1", null, false, [1], {}] as readonly Json[]) {
    assert.throws(() => changedFields({ sum: start }, { increment: { sum: 1 } }), /C4/, JSON.stringify(start));
  }
  assert.throws(() => changedFields({}, { increment: { sum: 1 } }), /C4/);
});

test("a condition on a field that only every object has is not met", () => {
  assert.equal(meets({}, [{ field: "toString" }]), false);
});

test("C4 an element is added to lists only", () => {
  for (const start of ["text", 1, null, {}] as readonly Json[]) {
    assert.throws(() => changedFields({ list: start }, { append: { list: 1 } }), /C4/);
  }
  assert.throws(() => changedFields({}, { append: { list: 1 } }), /C4/);
});

test("S3 increments under a bound never leave it, whatever their order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 }), (steps) => {
      let current: Row = { ...row, fields: { stock: 100 } };
      for (const by of steps) {
        const expect = by < 0 ? [{ field: "stock", atLeast: -by }] : [{ field: "stock", atMost: 200 - by }];
        const next = changedRow(current, { expect, increment: { stock: by } });
        const stock = current.fields["stock"] as number;
        assert.equal(next !== undefined, stock + by >= 0 && stock + by <= 200);
        current = next ?? current;
      }
    }),
  );
});
