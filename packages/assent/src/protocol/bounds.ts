// M3: numbers in messages are bounded by the reader's time, so that no message can make a process write a number that
// no codec reads. Epochs are clock times, or a few above one (R2), so every number in a message is a time.

/**
 * How far ahead of the reader's time a number in a message may be, milliseconds: a leap year. That tolerates clocks
 * that are set wrong; no clock produces a larger number, and every future takeover still has room above the bound.
 */
export const aheadMaxMs = 31_622_400_000;

/** The most attempts at a row that a log can lose: an attempt further above the row's is not rebuilt (R5). */
export const lostAttemptsMax = 10_000;

/** Whether a number in a message is larger than any clock can have produced. */
export function isTooFarAhead(
  { epoch, begunAt = 0, deadlineAt = 0 }: { epoch: number; begunAt?: number; deadlineAt?: number | undefined },
  now: number,
): boolean {
  return Math.max(epoch, begunAt, deadlineAt) > now + aheadMaxMs;
}
