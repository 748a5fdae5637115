import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, fingerprint, fingerprintOf, isJsonObject, type Json } from "./json.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;

/** The same value with the keys of every object in reverse order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => reversed(item));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

test("canonical text: sorted keys, no white space, nested", () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: "ü" }], a: true }), '{"a":true,"b":[1,{"c":"ü","d":null}]}');
  assert.equal(canonicalJson([]), "[]");
  assert.equal(canonicalJson({}), "{}");
  assert.equal(canonicalJson("\n"), '"\\n"');
});

test("canonical text is JSON of the same value, whatever the order of keys", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(JSON.parse(text) as Json), text);
      assert.equal(canonicalJson(reversed(value)), text);
      assert.equal(fingerprintOf(reversed(value)), fingerprintOf(value));
    }),
  );
});

test("values that differ have different texts", () => {
  const same = (one: Json, other: Json): boolean => canonicalJson(one) === canonicalJson(other);
  assert.ok(!same([1, 2], [2, 1]), "the order of items counts");
  assert.ok(!same({ a: 1 }, { a: "1" }));
  assert.ok(!same({ a: {} }, { a: [] }));
  assert.ok(!same([[1], 2], [1, [2]]));
  assert.ok(!same(["a,b"], ["a", "b"]));
});

test("the fingerprint is fixed for ever: stored records hold it", () => {
  assert.equal(fingerprint(""), 2_661_348_586_331_589);
  assert.equal(fingerprintOf({ item: 7, amount: 2 }), 4_197_471_665_054_379);
  assert.equal(fingerprintOf({ amount: 2, item: 7 }), 4_197_471_665_054_379);
});

test("the fingerprint is a safe integer of at most 52 bits and uses them", () => {
  let highest = 0;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const print = fingerprint(text);
      assert.ok(Number.isSafeInteger(print) && print >= 0 && print < 2 ** 52);
      highest = Math.max(highest, print);
    }),
  );
  assert.ok(highest > 2 ** 48);
});

test("the fingerprint detects small changes", () => {
  const prints = new Set<number>();
  for (let item = 0; item < 200; item += 1) {
    for (let amount = 0; amount < 200; amount += 1) prints.add(fingerprintOf({ item, amount }));
  }
  assert.equal(prints.size, 200 * 200);
  assert.notEqual(fingerprint("ab"), fingerprint("ba"));
});

test("only a plain object is a JSON object", () => {
  assert.ok(isJsonObject({}) && isJsonObject({ a: 1 }));
  for (const value of [null, undefined, [], "", 0, true]) assert.ok(!isJsonObject(value));
});
