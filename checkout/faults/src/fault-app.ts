// The fault API of the reference: the same paths and schemas. `rules` returns the union over all processes; with
// `?detail=1` each process separately, with the number of times its rules fired.
import { type FaultRule, faultRuleSchema, limitedBody, Problem, type ReportError, serviceApp } from "@assent/contract";
import type { FaultControl } from "./fault-control.ts";
import { checkPoint, InvalidFault } from "./fault-rule.ts";

/** @param prefix path of the service: "orders", "stock" or "payment" */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- inferred from the routes
export function faultApp(prefix: string, control: FaultControl, report: ReportError) {
  const app = serviceApp(report);
  app.use(`/${prefix}/fault/set`, limitedBody);
  app.post(`/${prefix}/fault/set`, async (c) => {
    // A page of another site can send other types without a CORS preflight.
    if (!isJson(c.req.header("content-type"))) throw notJson();
    await control.set(ruleOf(await c.req.text(), control.points));
    return c.json({ status: "ok" });
  });
  app.post(`/${prefix}/fault/clear`, async (c) => {
    const point = c.req.query("point");
    if (point !== undefined && !control.points.includes(point)) throw unknownPoint(point, control.points);
    await control.clear(point);
    return c.json({ status: "ok" });
  });
  app.get(`/${prefix}/fault/rules`, async (c) => {
    const instances = await control.list();
    if (c.req.query("detail") !== undefined) return c.json({ instances });
    const rules = instances.flatMap((instance) => instance.rules);
    return c.json(Object.fromEntries(rules.map(({ point, action, value }) => [point, { action, value }])));
  });
  return app;
}

function ruleOf(text: string, points: readonly string[]): FaultRule {
  const parsed = faultRuleSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw new Problem("invalid_fault", `${field === "" ? "body" : field}: ${issue?.message}. Nothing was changed.`);
  }
  try {
    return checkPoint(parsed.data, points);
  } catch (error) {
    if (error instanceof InvalidFault) throw new Problem(error.code, error.message);
    throw error;
  }
}

function isJson(type = ""): boolean {
  return /^application\/json\s*(;|$)/i.test(type.trim());
}

function notJson(): Problem {
  return new Problem("unsupported_media_type", "A rule is sent as application/json. Nothing was changed.");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("invalid_fault", "The body is not JSON. Nothing was changed.");
  }
}

function unknownPoint(point: string, points: readonly string[]): Problem {
  return new Problem("invalid_fault", `Unknown point "${point}"; this service has ${points.join(", ")}.`);
}
