import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTransactionId, transactionId } from "./transaction-id.ts";

const parts = fc.record({
  key: fc.string({ minLength: 1 }),
  incarnation: fc.string({ minLength: 1 }).filter((text) => !text.includes(":")),
  attempt: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

test("R5 the name of an attempt can be read back, whatever the key", () => {
  fc.assert(
    fc.property(parts, (named) => {
      assert.deepEqual(parseTransactionId(transactionId(named)), { ...named });
    }),
  );
  const named = { key: "a:b:c", incarnation: "1", attempt: 2 };
  assert.equal(transactionId(named), "a:b:c:1:2");
  assert.deepEqual(parseTransactionId("a:b:c:1:2"), named);
});

test("R5 a name that could not be read back is not made", () => {
  for (const named of [
    { key: "", incarnation: "1" },
    { key: "k", incarnation: "" },
    { key: "k", incarnation: "1:2" },
  ]) {
    assert.throws(() => transactionId({ ...named, attempt: 1 }), { code: "invariant_violation", rule: "R5" });
  }
});

test("R5 other key, incarnation or attempt is another name", () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = one.key === other.key && one.incarnation === other.incarnation && one.attempt === other.attempt;
      assert.equal(transactionId(one) === transactionId(other), same);
    }),
  );
});

test("R5 what names no attempt is not parsed", () => {
  for (const txId of [
    "",
    "order-1",
    "order-1:2",
    ":0:1",
    "order-1:0:0",
    "order-1:0:-1",
    "order-1:0:x",
    "order-1:0:1.5",
  ]) {
    assert.throws(() => parseTransactionId(txId), { code: "invariant_violation", rule: "R5" }, txId);
  }
});
