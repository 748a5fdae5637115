// Keys that sort by time: indexes by due time are scanned up to now, so a sweep costs what is due, not what exists.

const timeDigits = 15;

/** @param at epoch milliseconds */
export function timeKey(at: number, key: string): string {
  return `${String(Math.max(0, Math.floor(at))).padStart(timeDigits, "0")}:${key}`;
}

/** The time that `timeKey` was given, in whole milliseconds. */
export function timeOfTimeKey(text: string): number {
  return Number(text.slice(0, timeDigits));
}

/** The key that `timeKey` was given. */
export function keyOfTimeKey(text: string): string {
  return text.slice(timeDigits + 1);
}
