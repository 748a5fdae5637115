import assert from "node:assert/strict";
import { test } from "node:test";
import type { KnownRecord } from "./read-set.ts";
import { RecordCache } from "./record-cache.ts";
import { contendedMs } from "./redis-limits.ts";

const known = (value: number): KnownRecord => ({ version: `s${value} `, value });

function newCache(recordsMax: number): { cache: RecordCache; advance: (byMs: number) => void } {
  let now = 0;
  const cache = new RecordCache({ recordsMax, monotonic: () => now });
  return {
    cache,
    advance: (byMs) => {
      now += byMs;
    },
  };
}

test("the cache is bounded, and keeps the records in use", () => {
  const { cache } = newCache(100);
  const isKept = (index: number): boolean => cache.get("t", `k${index}`) !== undefined;
  for (let index = 0; index < 1_000; index += 1) {
    cache.set("t", `k${index}`, known(index));
    assert.ok(isKept(0), "in use all the time");
  }
  const kept = Array.from({ length: 1_000 }, (_, index) => index).filter(isKept);
  assert.ok(kept.length >= 50 && kept.length <= 100, `${kept.length} are kept`);
  assert.deepEqual(cache.get("t", "k999"), known(999));
});

test("a forgotten record does not come back from the older generation", () => {
  const { cache } = newCache(4);
  cache.set("t", "x", known(1));
  cache.set("t", "y", known(1));
  cache.set("t", "x", known(2));
  cache.forget("t", "x");
  assert.equal(cache.get("t", "x"), undefined);
  assert.deepEqual(cache.get("t", "y"), known(1));
});

test("R6 a contended record is not kept after a write, for a while", () => {
  const { cache, advance } = newCache(100);
  cache.wrote("t", "x", known(1));
  assert.deepEqual(cache.get("t", "x"), known(1));
  cache.correct("t", "x", known(2));
  assert.deepEqual(cache.get("t", "x"), known(2));
  cache.wrote("t", "x", known(3));
  cache.wrote("t", "y", known(3));
  assert.equal(cache.get("t", "x"), undefined);
  assert.deepEqual(cache.get("t", "y"), known(3));
  advance(contendedMs + 1);
  cache.wrote("t", "x", known(4));
  assert.deepEqual(cache.get("t", "x"), known(4));
});
