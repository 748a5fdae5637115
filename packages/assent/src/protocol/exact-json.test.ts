// Values that JSON would drop, change or fail on are refused; everything else is copied exactly.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { exactJson, NotJson } from "./exact-json.ts";

const limits = { nestingMax: 4, valuesMax: 1_000, keysRefused: ["__proto__"] };
const copy = (value: unknown): unknown => exactJson(value, limits);

class Point {
  readonly x = 1;
}

/** Each value by the path of what is wrong in it. */
function unfit(): readonly (readonly [path: string, value: unknown])[] {
  const gaps: unknown[] = [1];
  gaps[2] = 3;
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const twins = Array.from({ length: 3 }).reduce((inner: unknown) => ({ a: inner, b: inner }), { leaf: 1 });
  return [
    ["n", { n: 10n }],
    ["a[1]", { a: [0, Number.NaN] }],
    ["n", { n: Infinity }],
    ["n", { n: -Infinity }],
    ["n", { n: -0 }],
    ["f", { f: () => 1 }],
    ["s", { s: Symbol("s") }],
    ["", { [Symbol("s")]: 1 }],
    ["a[0]", { a: [undefined] }],
    ["a", { a: gaps }],
    ["a", { a: Object.assign([1], { more: 2 }) }],
    ["m", { m: new Map([[1, 2]]) }],
    ["m", { m: new Set([1]) }],
    // oxlint-disable-next-line no-restricted-globals -- as a value, no clock
    ["d", { d: new Date(0) }],
    ["p", { p: new Point() }],
    ["e", { e: new Error("e") }],
    ["b", { b: new Uint8Array(1) }],
    ["n", { n: Object(1) as unknown }],
    ["__proto__", JSON.parse('{"__proto__":{"x":1}}')],
    ["in.__proto__", { in: JSON.parse('{"__proto__":1}') as unknown }],
    ["h", Object.defineProperty({}, "h", { value: 1, enumerable: false })],
    ["self", circle],
    ["", undefined],
    ["", () => 1],
    ["a[0][0][0]", { a: [[[[1]]]] }],
    ["", { wide: Array.from({ length: 400 }, () => twins) }],
  ];
}

for (const [index, [path, value]] of unfit().entries()) {
  test(`what JSON cannot carry is refused (${index}: at "${path}")`, () => {
    assert.throws(
      () => copy(value),
      (error) => error instanceof NotJson && error.message.includes(path),
    );
  });
}

test("a getter is refused without being called", () => {
  let called = 0;
  const object = Object.defineProperty({}, "g", { enumerable: true, get: () => (called += 1) });
  assert.throws(() => copy(object), NotJson);
  assert.equal(called, 0);
});

test("a value of any depth or width is refused without running out of stack or time", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  assert.throws(() => copy(deep), NotJson);
  let wide: unknown = 1;
  for (let level = 0; level < 60; level += 1) wide = [wide, wide];
  assert.throws(() => exactJson(wide, { nestingMax: 64, valuesMax: 1_000 }), NotJson);
  const length: unknown[] = [];
  length.length = 4_000_000_000;
  assert.throws(() => copy(length), NotJson);
});

test("what JSON carries comes back equal, without the properties that are undefined, and as a copy", () => {
  const value = {
    text: "\ud800",
    none: null,
    yes: true,
    n: [1, -1.5, 2 ** 53, 5e-324],
    in: { deep: [{}] },
    gone: undefined,
  };
  const { gone: _gone, ...kept } = value;
  assert.deepEqual(copy(value), kept);
  assert.deepEqual(copy(Object.assign(Object.create(null) as object, { a: 1 })), { a: 1 });
  const list = [1];
  const copied = copy({ list });
  list.push(2);
  assert.deepEqual(copied, { list: [1] });
});

test("a key that would become the prototype is carried as a key where it is not refused", () => {
  const value: unknown = JSON.parse('{"__proto__":{"x":1},"a":[{"__proto__":2}]}');
  const copied = exactJson(value, { nestingMax: 4, valuesMax: 100 });
  assert.deepEqual(copied, value);
  assert.equal(JSON.stringify(copied), JSON.stringify(value));
  assert.equal(Object.getPrototypeOf(copied), Object.prototype);
});

test("a copy survives JSON unchanged", () => {
  const any = fc.anything({ maxDepth: 3, withBigInt: true, withDate: true, withMap: true, withSparseArray: true });
  fc.assert(
    fc.property(any, (value) => {
      let copied: unknown;
      try {
        copied = copy(value);
      } catch (error) {
        if (error instanceof NotJson) return;
        throw error;
      }
      assert.deepStrictEqual(JSON.parse(JSON.stringify(copied)), copied);
    }),
  );
});
