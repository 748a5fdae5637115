// Health, the same for every service.
import { createRoute, z } from "@hono/zod-openapi";
import { StoreFailure } from "assent/internal/engine";
import type { Context } from "hono";
import { json } from "./answers.ts";
import { isProblemCode, Problem, type ProblemCode, problemSchema, statusByCode } from "./problem.ts";

export const healthSchema = z.looseObject({ status: z.literal("healthy") }).openapi("Health");

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the route's exact type is what matters
export const healthRoute = <Path extends string>(path: Path) =>
  createRoute({
    method: "get",
    path,
    summary: "Whether the service can work now",
    responses: { 200: json("It can", healthSchema), 503: json("It cannot", problemSchema) },
  });

/** Healthy if `check` resolves, with its result; otherwise 503 with the problem. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the route's exact type is what matters
export async function answerHealth(context: Context, check: () => Promise<object | void>) {
  try {
    return context.json({ status: "healthy" as const, ...(await check()) }, 200);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isFull = error instanceof StoreFailure && error.code === "store_full";
    const problem = isFull
      ? new Problem("writes_refused", `Writes are refused, reads are answered: ${why}`)
      : new Problem(healthCode(error), `The service cannot work now: ${why}`);
    return context.json(problem.body, 503);
  }
}

/** The code of the problem, if it is a code of health. */
function healthCode(error: unknown): ProblemCode {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return isProblemCode(code) && statusByCode[code] === 503 ? code : "unavailable";
}
