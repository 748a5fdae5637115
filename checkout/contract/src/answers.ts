// Response schemas for OpenAPI.
import { z } from "@hono/zod-openapi";
import { problemSchema } from "./problem.ts";

export const json = <Schema extends z.ZodType>(description: string, schema: Schema) =>
  ({ description, content: { "application/json": { schema } } }) as const;

export const text = (example: string) =>
  ({ description: example, content: { "text/plain": { schema: z.string().openapi({ example }) } } }) as const;

/** Responses that any route may send. */
export const problems = {
  400: json("Refused: bad input or a business rule. Nothing was changed.", problemSchema),
  403: json("Sent by a page of another site (cross_site_request). Nothing was changed.", problemSchema),
  421: json("The host name or the addressed system is not this one (misdirected_request).", problemSchema),
} as const;

/** Of the routes that honour an Idempotency-Key. */
export const keyedProblems = {
  ...problems,
  422: json("The Idempotency-Key was used for another request.", problemSchema),
} as const;

export const checkoutProblems = {
  ...problems,
  409: json("The outcome is not known yet (checkout_pending): repeat the checkout of the same order.", problemSchema),
  429: json("Too many concurrent requests (overloaded): nothing was started, try again later.", problemSchema),
} as const;

export const seededSchema = z.object({ msg: z.string() });
