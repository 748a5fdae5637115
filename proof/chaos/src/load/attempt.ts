// One request with its answer, and the meaning of that answer.

/**
 * `checkout_again`: of an order that was already paid. `resolve`: a checkout repeated after the load, because its
 * outcome was unclear.
 */
export const requestKinds = [
  "checkout",
  "checkout_again",
  "resolve",
  "create_order",
  "add_item",
  "find_order",
  "find_item",
  "find_user",
  "create_item",
  "add_stock",
  "subtract_stock",
  "create_user",
  "add_funds",
  "pay",
] as const;

export type RequestKind = (typeof requestKinds)[number];

/** One request sent once to one gateway. */
export interface Attempt {
  readonly kind: RequestKind;
  /** Number of the request that this is an attempt at: retries and failovers of a client have the same number. */
  readonly request: number;
  /** The id of the order, item or user; for one that is still to be created, its Idempotency-Key. */
  readonly subject: string;
  /** The Idempotency-Key; empty: none was sent. */
  readonly key: string;
  /** Which of the gateways, from 0. */
  readonly gateway: number;
  /** Monotonic milliseconds, as `performance.now()`. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** 0: no answer. */
  readonly status: number;
  /** `code` of the body; for `find_order`, `paid` or `open`. Empty if there is none. */
  readonly code: string;
}

/**
 * done: success · refused: failure, by a rule of the business · not_now: nothing was changed, and a retry may succeed
 * · unclear: anything else, including no answer.
 */
export type Verdict = "done" | "refused" | "not_now" | "unclear";

const nothingChanged: ReadonlySet<string> = new Set([
  "overloaded",
  "store_unavailable",
  "stock_unavailable",
  "step_failed",
  "store_full",
]);
const perhapsChanged: ReadonlySet<string> = new Set(["gateway_error", "store_broken"]);

export function verdictOf({ status, code }: Pick<Attempt, "status" | "code">): Verdict {
  if (status >= 200 && status < 300) return "done";
  if (nothingChanged.has(code) || /^service_.*_unavailable$/.test(code)) return "not_now";
  if (status < 400 || status >= 500 || status === 408 || status === 409 || perhapsChanged.has(code)) return "unclear";
  return "refused";
}

export function isCheckout(kind: RequestKind): boolean {
  return kind === "checkout" || kind === "checkout_again" || kind === "resolve";
}
