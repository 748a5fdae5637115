// A circuit breaker as a pure machine: after some failures in a row, fail fast; after a while, let one probe through.
// A reading never changes the state, and a probe's permit is always given back (by success, failure or release).

export interface BreakerLimits {
  /** Infrastructure failures in a row that open it. A refusal is an answer, hence no failure. */
  readonly failuresMax: number;
  readonly openMs: number;
}

export const defaultBreakerLimits: BreakerLimits = { failuresMax: 5, openMs: 30_000 };

export type BreakerState =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number }
  | { readonly kind: "half-open"; readonly until: number };

export type BreakerPermit = "pass" | "probe" | "refused";

export const closedBreaker: BreakerState = { kind: "closed", failures: 0 };

/** Asks to go through. `now` is monotonic milliseconds. A probe that is never heard of lapses after `openMs`. */
export function enterBreaker(
  state: BreakerState,
  now: number,
  limits: BreakerLimits,
): { state: BreakerState; permit: BreakerPermit } {
  if (state.kind === "closed") return { state, permit: "pass" };
  if (now < state.until) return { state, permit: "refused" };
  return { state: { kind: "half-open", until: now + limits.openMs }, permit: "probe" };
}

export function breakerSucceeded(state: BreakerState): BreakerState {
  return state.kind === "closed" && state.failures === 0 ? state : closedBreaker;
}

export function breakerFailed(state: BreakerState, now: number, limits: BreakerLimits): BreakerState {
  switch (state.kind) {
    case "closed": {
      const failures = state.failures + 1;
      return failures >= limits.failuresMax
        ? { kind: "open", until: now + limits.openMs }
        : { kind: "closed", failures };
    }
    case "half-open":
      return { kind: "open", until: now + limits.openMs };
    case "open":
      return state;
  }
}

/** There is reason to think that it works again: the next caller may probe. A probe that is under way goes on. */
export function breakerCameBack(state: BreakerState, now: number): BreakerState {
  return state.kind === "open" ? { kind: "open", until: Math.min(state.until, now) } : state;
}

/** A probe that proved nothing gives its permit back: the next caller may probe at once. */
export function breakerReleased(state: BreakerState, now: number): BreakerState {
  return state.kind === "half-open" ? { kind: "open", until: now } : state;
}
