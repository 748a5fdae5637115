// Limits of the simulated world: a tenth of the real ones or less, so that deadlines, leases, questions and removals
// all happen within one storm.
import { checkLimits, defaultLimits, type Limits } from "@assent/protocol";

export const worldLimits: Limits = checkLimits({
  ...defaultLimits,
  phaseOneDeadlineMs: 2_000,
  requestWaitMs: 4_000,
  takeoverGraceMs: 1_000,
  leaseMs: 1_500,
  leaseRenewMs: 500,
  maxAgeMs: 20_000,
  clockSkewMs: 200,
  askAfterMs: 5_000,
  sweepEveryMs: 1_500,
  retryMaxMs: 4_000,
  parkAfterAttempts: 4,
  parkedRetryMs: 8_000,
  replyWaitMs: 500,
  contendedWaitMs: 400,
  releaseWaitMs: 600,
});
