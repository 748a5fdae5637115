import { InvariantViolation } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNatsLimits, defaultNatsLimits, type NatsLimits } from "./limits.ts";

test("the relations of the limits hold, and each is asserted", () => {
  const broken: readonly Partial<NatsLimits>[] = [
    { pullExpiresMs: 0 },
    { closeWaitMs: Number.NaN },
    { reconnectMinMs: 2_000 },
    { storedWaitMs: 2_000 },
    { publishRetryMs: 2_000 },
    { duplicateWindowMs: 3_999 },
    { duplicateWindowMs: 60_001 },
    { streamAgeMaxMs: 10_000, duplicateWindowMs: 10_001 },
    { streamAgeMaxMs: 9_999, duplicateWindowMs: 5_000 },
    { streamAgeMaxMs: 7_200_000 },
    { streamBytesMax: 8_388_608 },
    { handlingMs: 2_000 },
    { concurrentMessagesMax: 1_001 },
    { setupRetryFirstMs: 3_000 },
  ];
  for (const change of broken) {
    const limits = { ...defaultNatsLimits, ...change };
    assert.throws(() => checkNatsLimits(limits), InvariantViolation, JSON.stringify(change));
  }
  assert.equal(checkNatsLimits(defaultNatsLimits), defaultNatsLimits);
});
