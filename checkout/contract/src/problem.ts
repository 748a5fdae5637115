// The body of every refusal: {"error", "code"}, with one table of codes for all services.
import { z } from "@hono/zod-openapi";

/** Every code that a client can see, with its HTTP status. Each is in openapi.json. */
export const statusByCode = {
  // The request
  malformed_request: 400,
  invalid_input: 400,
  cross_site_request: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  misdirected_request: 421,
  idempotency_key_reused: 422,
  headers_too_large: 431,
  // The subject of the request
  order_not_found: 400,
  item_not_found: 400,
  user_not_found: 400,
  key_reused: 400,
  order_empty: 400,
  order_paid: 400,
  order_in_checkout: 400,
  order_too_large: 400,
  stock_too_large: 400,
  credit_too_large: 400,
  insufficient_stock: 400,
  insufficient_credit: 400,
  // A checkout: not known yet, not begun, or ended without success
  checkout_pending: 409,
  overloaded: 429,
  service_stock_unavailable: 400,
  service_payment_unavailable: 400,
  timeout: 400,
  deadline_passed: 400,
  expired: 400,
  interrupted: 400,
  prevented: 400,
  contended: 400,
  payload_mismatch: 400,
  invalid_payload: 400,
  row_changed: 400,
  no_branches: 400,
  definition_failed: 400,
  handler_failed: 400,
  aborted: 400,
  checkout_failed: 400,
  // The services and stores that it depends on
  stock_unavailable: 400,
  gateway_error: 400,
  step_failed: 400,
  store_full: 400,
  store_broken: 400,
  store_unavailable: 400,
  service_unavailable: 503,
  writes_refused: 503,
  unavailable: 503,
  // Health: the broker or the database no longer has the settings this service was started with
  nats_unavailable: 503,
  broker_unsuitable: 503,
  unsuitable_server: 503,
  internal_error: 500,
  // Fault injection
  invalid_fault: 400,
  faults_unreachable: 400,
} as const;

export type ProblemCode = keyof typeof statusByCode;
export type ProblemStatus = (typeof statusByCode)[ProblemCode];

// An enum of a schema needs a first member, and there is one.
export const problemCodes = Object.keys(statusByCode) as [ProblemCode, ...ProblemCode[]];

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(statusByCode, text);
}

export const problemSchema = z
  .object({
    error: z.string().openapi({ description: "What happened, and what to do.", example: "Item: 7 not found!" }),
    code: z.enum(problemCodes).openapi({ description: "Stable name of the problem.", example: "item_not_found" }),
  })
  .openapi("Problem", { "x-status-by-code": statusByCode });

export type ProblemBody = z.infer<typeof problemSchema>;

/** Thrown by a service to refuse a request. Nothing was changed, unless the message says otherwise. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ProblemCode, message: string, options: { retryAfterMs?: number } = {}) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): ProblemStatus {
    return statusByCode[this.code];
  }

  /** The body of the answer. */
  get body(): ProblemBody {
    return { error: this.message, code: this.code };
  }
}
