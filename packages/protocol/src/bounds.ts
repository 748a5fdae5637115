// M3: numbers in messages are bounded by the time of the reader, so that no message makes anybody write a number that
// no codec reads. Epochs are times of clocks, and a few above them (R2): all that a message counts is a time.

/**
 * How far ahead of the own time a number in a message may be, milliseconds: a leap year. Clocks that were set wrong are
 * believed that far; what is above was never made by a clock, and there is room above it for every takeover to come.
 */
export const aheadMaxMs = 31_622_400_000;

/** How many attempts at a row a log may have lost at most: that many above the row's can be rebuilt (R5). */
export const lostAttemptsMax = 10_000;

/** Whether a number of a message is beyond what any clock can have made of it. */
export function isTooFarAhead(
  { epoch, begunAt = 0, deadlineAt = 0 }: { epoch: number; begunAt?: number; deadlineAt?: number | undefined },
  now: number,
): boolean {
  return Math.max(epoch, begunAt, deadlineAt) > now + aheadMaxMs;
}
