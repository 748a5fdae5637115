// Time as a port: nothing in this package reads a clock or sets a timer of its own.

export interface Timer {
  /** Stops the timer; a timer that has fired is left alone. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in epoch milliseconds; may be set back or forward. */
  now(): number;
  /** Milliseconds that only grow, unrelated to wall time. */
  monotonic(): number;
  /** Calls once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
}
