// What is answered when something is refused: {"error", "code"}, one table of codes for all services.
import { z } from "@hono/zod-openapi";

export const problemSchema = z
  .object({
    error: z.string().openapi({ description: "What happened, and what to do.", example: "Item: 7 not found!" }),
    code: z.string().openapi({ description: "Stable name of the problem.", example: "item_not_found" }),
  })
  .openapi("Problem");

/** HTTP status by code. Codes not listed here, such as the reason of a refused checkout, are 400. */
const statusByCode = {
  not_found: 404,
  method_not_allowed: 405,
  checkout_pending: 409,
  body_too_large: 413,
  idempotency_key_reused: 422,
  overloaded: 429,
} as const;

export type ProblemStatus = 400 | (typeof statusByCode)[keyof typeof statusByCode];

/** Thrown by a service to answer a request with a problem. Nothing was changed, unless the message says otherwise. */
export class Problem extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: { retryAfterMs?: number } = {}) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): ProblemStatus {
    return statusByCode[this.code as keyof typeof statusByCode] ?? 400;
  }
}
