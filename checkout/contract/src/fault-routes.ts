// Fault injection over HTTP: the paths and schemas of the reference, with additions. Served only if enabled.
import { createRoute, z } from "@hono/zod-openapi";
import { json, problems } from "./answers.ts";
import { problemSchema } from "./problem.ts";

/**
 * `crash` ends the process at once. `delay` waits `value` milliseconds. `error` fails the step, before or after it is
 * executed. `drop_reply` executes it and sends no reply. `duplicate` executes it twice.
 */
export const faultActions = ["crash", "delay", "error", "drop_reply", "duplicate"] as const;
export type FaultAction = (typeof faultActions)[number];

/** Longest delay that can be requested. */
export const faultDelayMaxMs = 60_000;

export const faultRuleSchema = z
  .strictObject({
    point: z.string().openapi({ example: "before_prepare" }),
    action: z.enum(faultActions),
    value: z.int().min(0).max(faultDelayMaxMs).default(0).openapi({ description: "Milliseconds of a delay." }),
    count: z.int().min(1).optional().openapi({ description: "How many times it fires at most, in each process." }),
    probability: z.number().gt(0).max(1).optional().openapi({ description: "Probability that it fires; 1 if absent." }),
  })
  .openapi("FaultRule");

export type FaultRule = z.infer<typeof faultRuleSchema>;

const done = z.object({ status: z.literal("ok") });
const rules = z.record(z.string(), z.object({ action: z.enum(faultActions), value: z.int() }));

/** @param prefix path of the service: "orders", "stock" or "payment" */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the routes' exact types are what matters
export const faultRoutes = <Prefix extends string>(prefix: Prefix) =>
  ({
    set: createRoute({
      method: "post",
      path: `/${prefix}/fault/set`,
      summary: "Set a fault at a point of every process of the service (if fault injection is enabled)",
      request: { body: { content: { "application/json": { schema: faultRuleSchema } } } },
      responses: {
        200: json("Active", done),
        ...problems,
        415: json("The body is not application/json. Nothing was changed.", problemSchema),
      },
    }),
    clear: createRoute({
      method: "post",
      path: `/${prefix}/fault/clear`,
      summary: "Remove the fault of a point, or all faults",
      request: { query: z.object({ point: z.string().optional() }) },
      responses: { 200: json("Removed", done), ...problems },
    }),
    rules: createRoute({
      method: "get",
      path: `/${prefix}/fault/rules`,
      summary: "The active faults, by point; with ?detail=1 those of each process, and how many times they fired",
      request: { query: z.object({ detail: z.string().optional() }) },
      responses: { 200: json("Active", rules), ...problems },
    }),
  }) as const;
