// The Idempotency-Key header: a repeat of the same request gets the stored response, another request with the same
// key is an error (draft-ietf-httpapi-idempotency-key-header).
import { z } from "@hono/zod-openapi";
import { fingerprint } from "assent/internal/protocol";
import type { Executor, OnceKey, OnceResult } from "assent/internal/engine";
import type { AnyOperation } from "assent/internal/ports";
import { Problem } from "./problem.ts";

export const idempotencyKeyLengthMax = 255;

export const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .regex(
      new RegExp(`^[\\x21-\\x7e]{1,${idempotencyKeyLengthMax}}$`),
      `must be 1 to ${idempotencyKeyLengthMax} visible ASCII characters`,
    )
    .optional()
    .openapi({
      description: "For 24 hours, repeats with the same key get the first response. Each service has its own keys.",
    }),
});

/** Identifies a keyed request by its key and the request itself. Undefined without the header. */
export function onceKey(key: string | undefined, request: { method: string; path: string }): OnceKey | undefined {
  return key === undefined ? undefined : { key, fingerprint: fingerprint(`${request.method} ${request.path}`) };
}

/** An operation, and what it is to do. */
export interface Call<Input, Result> {
  readonly operation: AnyOperation<Input, Result>;
  readonly input: NoInfer<Input>;
}

/** Runs an operation, at most once if the request carries a key. @throws {Problem} idempotency_key_reused */
export async function runKeyed<Input, Result>(
  executor: Executor,
  once: OnceKey | undefined,
  { operation, input }: Call<Input, Result>,
): Promise<Result> {
  if (once === undefined) return executor.run(operation, input);
  return doneOf(await executor.runOnce(once, operation, input));
}

/** The result of a keyed operation. @throws {Problem} idempotency_key_reused */
export function doneOf<T>(result: OnceResult<T>): T {
  if (result.kind === "done") return result.result;
  throw new Problem("idempotency_key_reused", "This Idempotency-Key was used for another request. Use a new key.");
}
