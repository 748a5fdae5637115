// Which protocol the next transaction uses. The choice follows the abort rate of the last finished transactions:
// two-phase commit holds resources while it asks, which pays when most transactions commit; a saga holds nothing.
import type { Protocol } from "../protocol/index.ts";
import type { Observer } from "../ports/observer.ts";

/** Decides for new transactions; a record keeps what it began with (C7). Choosing never changes anything. */
export interface ProtocolPolicy {
  /** @param breakersClosed false while any service's breaker is open or half-open */
  choose(breakersClosed: boolean): Protocol;
  /** One transaction finished. Those that a breaker kept out are not reported. */
  finished(aborted: boolean): void;
  /** Aborts among the transactions in the window, 0 to 1. */
  abortRate(): number;
}

export interface SelectorLimits {
  readonly window: number;
  /** Finished transactions before the choice may move. */
  readonly minimum: number;
  readonly toSagaAt: number;
  readonly toTwoPhaseAt: number;
}

export const defaultSelectorLimits: SelectorLimits = { window: 100, minimum: 20, toSagaAt: 0.1, toTwoPhaseAt: 0.05 };

export interface SelectorState {
  readonly current: Protocol;
  /** Newest last, at most `window`. */
  readonly aborted: readonly boolean[];
}

export const initialSelector: SelectorState = { current: "2pc", aborted: [] };

export function abortRate(state: SelectorState): number {
  if (state.aborted.length === 0) return 0;
  return state.aborted.filter(Boolean).length / state.aborted.length;
}

/** Notes one finished transaction and moves the choice where the rate crossed a threshold. Pure. */
export function noteFinished(state: SelectorState, aborted: boolean, limits: SelectorLimits): SelectorState {
  const next = { ...state, aborted: [...state.aborted, aborted].slice(-limits.window) };
  if (next.aborted.length < limits.minimum) return next;
  const rate = abortRate(next);
  if (next.current === "2pc" && rate >= limits.toSagaAt) return { ...next, current: "saga" };
  if (next.current === "saga" && rate <= limits.toTwoPhaseAt) return { ...next, current: "2pc" };
  return next;
}

/** Two-phase commit while any breaker is not closed; else the current choice. Pure. */
export function chooseProtocol(state: SelectorState, breakersClosed: boolean): Protocol {
  return breakersClosed ? state.current : "2pc";
}

/** The policy `auto`. */
export function adaptivePolicy(
  options: { limits?: SelectorLimits; onSwitch?: (to: Protocol, rate: number) => void } = {},
): ProtocolPolicy {
  const limits = options.limits ?? defaultSelectorLimits;
  let state = initialSelector;
  return {
    choose: (breakersClosed) => chooseProtocol(state, breakersClosed),
    finished(aborted) {
      const next = noteFinished(state, aborted, limits);
      if (next.current !== state.current) options.onSwitch?.(next.current, abortRate(next));
      state = next;
    },
    abortRate: () => abortRate(state),
  };
}

/** Always the same protocol. */
export function fixedPolicy(protocol: Protocol): ProtocolPolicy {
  const counted = adaptivePolicy();
  return { ...counted, choose: () => protocol };
}

/** The policy that a setting stands for. */
export function policyOf(protocol: Protocol | "auto" | ProtocolPolicy, observer: Observer): ProtocolPolicy {
  if (typeof protocol === "object") return protocol;
  if (protocol !== "auto") return fixedPolicy(protocol);
  return adaptivePolicy({ onSwitch: (to, abortRate) => observer.observe({ type: "ProtocolSwitched", to, abortRate }) });
}
