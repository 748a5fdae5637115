// Limits of the simulated world: a tenth of the real ones or less, so that deadlines, leases, questions and removals
// all happen within one storm.
import { checkLimits, defaultLimits, type Limits } from "assent/internal/protocol";
import type { Swarm } from "./swarm.ts";

export const worldLimits: Limits = checkLimits({
  ...defaultLimits,
  phaseOneDeadlineMs: 2_000,
  requestWaitMs: 4_000,
  takeoverGraceMs: 1_000,
  leaseMs: 1_500,
  leaseRenewMs: 500,
  maxAgeMs: 20_000,
  clockSkewMs: 200,
  lossWindowMs: 0,
  askAfterMs: 5_000,
  sweepEveryMs: 1_500,
  retryMaxMs: 4_000,
  parkAfterAttempts: 4,
  parkedRetryMs: 8_000,
  replyWaitMs: 500,
  answerWaitMs: 2_000,
  contendedWaitMs: 400,
  releaseWaitMs: 600,
});

/**
 * If a log loses a finished transaction, only its branches remember it, and only until `begunAt` + 2 × `maxAge`; after
 * that the key is new to all processes. So if tails are lost, `maxAge` is longer than the whole run, as in production
 * it is longer than the loss window (docs/adr/0008).
 */
const lossyLimits: Limits = checkLimits({ ...worldLimits, maxAgeMs: 600_000, lossWindowMs: 30_000 });

/** Every lifetime expires several times during one outage; `checkLimits` allows hardly less. */
export const shortLived: Limits = checkLimits({
  ...worldLimits,
  maxAgeMs: 6_000,
  askAfterMs: 2_500,
  retryMaxMs: 2_000,
  parkedRetryMs: 3_000,
});

export function losesTails({ faults }: Swarm): boolean {
  return faults.some(({ kind }) => kind === "lose_log_tail");
}

export function limitsOf(swarm: Swarm): Limits {
  if (swarm.world === "lifetimes") return shortLived;
  return losesTails(swarm) ? lossyLimits : worldLimits;
}
