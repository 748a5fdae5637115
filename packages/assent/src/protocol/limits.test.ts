import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantViolation, unreachable } from "./invariant.ts";
import { amountMax, amountMin, balanceMax, checkLimits, defaultLimits, type Limits } from "./limits.ts";

test("the default limits hold every relation and are the numbers of the protocol document", () => {
  assert.equal(checkLimits(defaultLimits), defaultLimits);
  const { phaseOneDeadlineMs, requestWaitMs, takeoverGraceMs, leaseMs, leaseRenewMs, maxAgeMs } = defaultLimits;
  assert.deepEqual([phaseOneDeadlineMs, requestWaitMs, takeoverGraceMs], [10_000, 15_000, 5_000]);
  assert.deepEqual([leaseMs, leaseRenewMs, maxAgeMs], [5_000, 2_000, 7_200_000]);
  const { clockSkewMs, askAfterMs, sweepEveryMs, releaseWaitMs, contendedWaitMs } = defaultLimits;
  assert.deepEqual([clockSkewMs, askAfterMs, sweepEveryMs], [500, 60_000, 5_000]);
  assert.deepEqual([releaseWaitMs, contendedWaitMs], [2_000, 1_000]);
  const { retryFirstMs, retryMaxMs, parkAfterAttempts, parkedRetryMs } = defaultLimits;
  assert.deepEqual([retryFirstMs, retryMaxMs, parkAfterAttempts, parkedRetryMs], [100, 30_000, 10, 60_000]);
});

test("every broken relation is named", () => {
  const broken: readonly [Partial<Limits>, RegExp][] = [
    [{ leaseRenewMs: 2_500 }, /missed renewal/],
    [{ clockSkewMs: 2_500, leaseMs: 5_000 }, /skew/],
    [{ requestWaitMs: 11_999 }, /outwaits/],
    [{ maxAgeMs: 20_000, askAfterMs: 1 }, /age outlives/],
    [{ askAfterMs: 3_600_000 }, /asks long before/],
    [{ replyWaitMs: 10_000 }, /sent again/],
    [{ contendedWaitMs: 10_000 }, /contention/],
    [{ retryFirstMs: 30_001 }, /backoff/],
    [{ payloadBytesMax: 2_097_153 }, /message holds/],
    [{ historyEntriesMax: 7 }, /history has room/],
  ];
  for (const [change, message] of broken) {
    const check = (): Limits => checkLimits({ ...defaultLimits, ...change });
    assert.throws(check, { code: "invariant_violation", rule: "limits", message });
  }
});

test("the edges of the relations are allowed", () => {
  const allowed: readonly Partial<Limits>[] = [
    { leaseRenewMs: 2_499 },
    { clockSkewMs: 2_499 },
    { requestWaitMs: 12_000 },
    { contendedWaitMs: 0 },
    { retryFirstMs: 30_000 },
    { payloadBytesMax: 2_097_152 },
    { historyEntriesMax: 8 },
  ];
  for (const change of allowed) assert.doesNotThrow(() => checkLimits({ ...defaultLimits, ...change }));
});

test("a limit that is negative or no number is refused, whichever it is", () => {
  for (const name of Object.keys(defaultLimits)) {
    for (const value of [Number.NaN, -1]) {
      assert.throws(() => checkLimits({ ...defaultLimits, [name]: value }), { rule: "limits" }, `${name} = ${value}`);
    }
  }
});

test("amounts can be summed without losing a unit", () => {
  assert.ok(amountMin >= 1 && amountMax * 64 <= balanceMax);
  assert.equal(balanceMax, 2 ** 53 - 1);
});

test("a broken invariant names its rule", () => {
  assert.throws(
    () => unreachable("x" as never),
    (error: unknown) => error instanceof InvariantViolation && error.rule === "types" && /"x"/.test(error.message),
  );
});
