// Every limit and duration of the protocol, with the relations between them asserted at load.
import { invariant } from "./invariant.ts";

/** Times are milliseconds, sizes are UTF-8 bytes unless the name says otherwise. */
export interface Limits {
  /** How long phase 1 may take before the owner may decide abort (C6). */
  readonly phaseOneDeadlineMs: number;
  /** How long a caller waits for an outcome before it gets `pending`. */
  readonly requestWaitMs: number;
  /** How long past the deadline a record is left to its owner (R2). */
  readonly takeoverGraceMs: number;
  readonly leaseMs: number;
  readonly leaseRenewMs: number;
  /** Age after which a command for an unknown branch is `expired` (P7). */
  readonly maxAgeMs: number;
  readonly clockSkewMs: number;
  /** How old the newest writes are at most that a log can lose, where it may lose any (docs/adr/0008). */
  readonly lossWindowMs: number;
  /** Age at which an unfinished branch record asks its coordinator (P6). */
  readonly askAfterMs: number;
  readonly sweepEveryMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Attempts at phase 2 before a transaction is parked (R4). */
  readonly parkAfterAttempts: number;
  readonly parkedRetryMs: number;
  /** How often `forget` is sent to a branch after the end, until the branch acknowledges it (P7). */
  readonly forgetAttempts: number;
  /** How long one message may take before its sender counts it as unanswered, and sends it again. */
  readonly replyWaitMs: number;
  /** How long its answer is waited for all the same: a branch may need longer than `replyWaitMs`, each time. */
  readonly answerWaitMs: number;
  /** How long a `contended` branch is tried again (P10); 0 switches it off. */
  readonly contendedWaitMs: number;
  readonly contendedRetryMs: number;
  /** How long a failure waits for its branches to release before it is returned (C5). */
  readonly releaseWaitMs: number;
  readonly branchesMax: number;
  readonly payloadBytesMax: number;
  readonly messageBytesMax: number;
  /** Size of what one branch returns to the caller of its transaction: it is kept as long as the outcome. */
  readonly outputBytesMax: number;
  readonly idLengthMax: number;
  /** How deep lists and objects of a payload or an input may be nested. */
  readonly nestingMax: number;
  /** How many entries the history of one transaction has at most; the first and the newest always stay. */
  readonly historyEntriesMax: number;
}

export const defaultLimits: Limits = {
  phaseOneDeadlineMs: 10_000,
  requestWaitMs: 15_000,
  takeoverGraceMs: 5_000,
  leaseMs: 5_000,
  leaseRenewMs: 2_000,
  maxAgeMs: 7_200_000,
  clockSkewMs: 500,
  lossWindowMs: 60_000,
  askAfterMs: 60_000,
  sweepEveryMs: 5_000,
  retryFirstMs: 100,
  retryMaxMs: 30_000,
  parkAfterAttempts: 10,
  parkedRetryMs: 60_000,
  forgetAttempts: 5,
  replyWaitMs: 2_000,
  answerWaitMs: 10_000,
  contendedWaitMs: 1_000,
  contendedRetryMs: 10,
  releaseWaitMs: 2_000,
  branchesMax: 64,
  payloadBytesMax: 65_536,
  messageBytesMax: 8_388_608,
  outputBytesMax: 4_096,
  idLengthMax: 256,
  nestingMax: 32,
  historyEntriesMax: 64,
};

/**
 * How many payloads the smallest message must have room for: a payload; an origin, whose input is as large, and twice
 * that as a text within the message; and all else that a command says.
 */
export const payloadsPerMessage = 4;

/** Smallest and largest amount of one movement, and the largest balance (2^53 − 1). */
export const amountMin = 1;
export const amountMax = 1_000_000_000_000;
export const balanceMax: number = Number.MAX_SAFE_INTEGER;

/** Asserts the relations that the rules rely on. @throws {InvariantViolation} naming the first broken one */
export function checkLimits(limits: Limits): Limits {
  for (const [name, value] of Object.entries(limits)) {
    invariant(Number.isFinite(value) && value >= 0, "limits", `${name} is ${value}, not a number from 0`);
  }
  const relation = (holds: boolean, text: string): void => invariant(holds, "limits", text);
  relation(limits.leaseRenewMs * 2 < limits.leaseMs, "a lease survives one missed renewal");
  relation(limits.clockSkewMs * 2 < limits.leaseMs, "skew is small against a lease");
  relation(limits.requestWaitMs >= limits.phaseOneDeadlineMs + limits.releaseWaitMs, "a caller outwaits phase 1");
  relation(
    limits.maxAgeMs > limits.leaseMs + limits.phaseOneDeadlineMs + limits.takeoverGraceMs,
    "age outlives leases",
  );
  relation(limits.maxAgeMs > limits.askAfterMs * 2, "a branch asks long before commands for it expire");
  relation(limits.maxAgeMs > limits.lossWindowMs + limits.askAfterMs * 2, "branches outlast what a log can lose");
  relation(limits.replyWaitMs < limits.phaseOneDeadlineMs, "phase 1 can be sent again before its deadline");
  relation(limits.replyWaitMs <= limits.answerWaitMs, "an answer is waited for until it is sent for again, at least");
  relation(limits.contendedWaitMs < limits.phaseOneDeadlineMs, "contention ends before the deadline");
  relation(limits.retryFirstMs <= limits.retryMaxMs, "backoff grows");
  relation(limits.forgetAttempts >= 1, "`forget` is sent at least once");
  relation(limits.historyEntriesMax >= 8, "a history has room for begin, decision, end and the gaps between");
  relation(
    limits.payloadBytesMax * payloadsPerMessage <= limits.messageBytesMax,
    "a message holds any payload and its origin",
  );
  return limits;
}

checkLimits(defaultLimits);
