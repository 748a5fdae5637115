import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

const time = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 8.64e14 }), fc.constantFrom(0, 9, 10, 99_999, 100_000));

test("R7 keys sort by time, and by name within one millisecond", () => {
  fc.assert(
    fc.property(time, time, fc.tuple(fc.string(), fc.string()), (left, right, [a, b]) => {
      const [first, second] = [timeKey(left, a), timeKey(right, b)];
      if (left !== right) assert.equal(first < second, left < right, `${first} ${second}`);
      else assert.equal(first < second, a < b, `${first} ${second}`);
    }),
  );
});

test("R7 the name comes back whatever it is", () => {
  fc.assert(fc.property(time, fc.string(), (at, name) => assert.equal(keyOfTimeKey(timeKey(at, name)), name)));
  assert.equal(keyOfTimeKey(timeKey(5, "a:b:1/c")), "a:b:1/c");
});

test("R7 a scan up to now finds what fell due before, and not what is due in this millisecond or later", () => {
  fc.assert(
    fc.property(time, fc.integer({ min: -3, max: 3 }), fc.string(), (now, distance, name) => {
      const at = Math.max(0, now + distance);
      assert.equal(timeKey(at, name) < timeKey(now, ""), at < now);
    }),
  );
});

test("R7 fractions and times before the epoch still sort", () => {
  assert.equal(timeKey(1.9, "x"), timeKey(1, "x"));
  assert.equal(timeKey(-5, "x"), timeKey(0, "x"));
});
