// Fault injection over HTTP: the paths and shapes of the reference, with what they lacked. Served only where enabled.
import { createRoute, z } from "@hono/zod-openapi";
import { json, problems } from "./answers.ts";
import { problemSchema } from "./problem.ts";

/**
 * `crash` ends the process at once. `delay` waits `value` milliseconds. `error` fails the step, before or after it was
 * done. `drop_reply` does it and answers nothing. `duplicate` does it twice.
 */
export const faultActions = ["crash", "delay", "error", "drop_reply", "duplicate"] as const;
export type FaultAction = (typeof faultActions)[number];

/** Longest delay that can be asked for. */
export const faultDelayMaxMs = 60_000;

export const faultRuleSchema = z
  .strictObject({
    point: z.string().openapi({ example: "before_prepare" }),
    action: z.enum(faultActions),
    value: z.int().min(0).max(faultDelayMaxMs).default(0).openapi({ description: "Of a delay: milliseconds." }),
    count: z.int().min(1).optional().openapi({ description: "How often it fires at most, in each process." }),
    probability: z.number().gt(0).max(1).optional().openapi({ description: "How likely it fires; 1 if absent." }),
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
      summary: "Put a fault at a point of every process of the service (where fault injection is enabled)",
      request: { body: { content: { "application/json": { schema: faultRuleSchema } } } },
      responses: {
        200: json("In force", done),
        ...problems,
        415: json("The body has another type than application/json. Nothing was changed.", problemSchema),
      },
    }),
    clear: createRoute({
      method: "post",
      path: `/${prefix}/fault/clear`,
      summary: "Take the fault of a point away, or all of them",
      request: { query: z.object({ point: z.string().optional() }) },
      responses: { 200: json("Gone", done), ...problems },
    }),
    rules: createRoute({
      method: "get",
      path: `/${prefix}/fault/rules`,
      summary: "The faults in force, by point; with ?detail=1 those of each process, and how often they fired",
      request: { query: z.object({ detail: z.string().optional() }) },
      responses: { 200: json("In force", rules), ...problems },
    }),
  }) as const;
