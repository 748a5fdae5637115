// How long until the next try: doubling, capped, and never all at the same moment.
import { defaultLimits } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, retryDelayMs } from "./backoff.ts";

const almostOne = 1 - Number.EPSILON;

test("R4 0.1 s, doubling, up to 30 s", () => {
  const ceilings = [1, 2, 3, 9, 10].map((attempts) => Math.round(backoffMs(attempts, defaultLimits, almostOne)));
  assert.deepEqual(ceilings, [100, 200, 400, 25_600, 30_000]);
  for (const attempts of [30, 1_000, 1_000_000]) {
    assert.equal(Math.round(backoffMs(attempts, defaultLimits, almostOne)), 30_000);
  }
});

test("jitter spreads over the upper half, and never below it", () => {
  for (const attempts of [1, 5, 20]) {
    const [lowest, highest] = [backoffMs(attempts, defaultLimits, 0), backoffMs(attempts, defaultLimits, almostOne)];
    assert.equal(lowest * 2, Math.round(highest));
    assert.ok(backoffMs(attempts, defaultLimits, 0.5) > lowest);
  }
});

test("R4 what is parked is tried every minute or sooner, with jitter", () => {
  assert.equal(retryDelayMs({ kind: "parked" }, defaultLimits, 0), 30_000);
  assert.equal(Math.round(retryDelayMs({ kind: "parked" }, defaultLimits, almostOne)), 60_000);
});

test("P10 what is contended is tried soon at first, and more rarely the longer it has waited", () => {
  const waits = [0, 100, 800].map((waitedMs) => retryDelayMs({ kind: "contended", waitedMs }, defaultLimits, 0.5));
  assert.equal(waits[0], defaultLimits.contendedRetryMs);
  assert.ok((waits[0] ?? 0) < (waits[1] ?? 0) && (waits[1] ?? 0) < (waits[2] ?? 0));
  assert.ok((waits[2] ?? 0) < 400, "a branch asks again before its place in the line is given away");
});
