// The HTTP frame of every service: responses to invalid input, problems, wrong paths, wrong methods and failed stores.
// Only a bug leads to a 5xx.
import { OpenAPIHono } from "@hono/zod-openapi";
import { StoreClosed, StoreFailure } from "assent/internal/engine";
import type { Context } from "hono";
import { quantityNotPositive } from "./fields.ts";
import { Problem } from "./problem.ts";

/** Called for errors that are not caused by input: bugs and failed stores. */
export type ReportError = (error: unknown, request: string) => void;

/** The app of a service with any routes. */
export type ServiceApp = OpenAPIHono;

export function serviceApp(report: ReportError): ServiceApp {
  const app = new OpenAPIHono({
    defaultHook: (result, context) => {
      if (result.success) return undefined;
      const issue = result.error.issues[0];
      const field = issue?.path.join(".") ?? "request";
      const complaint = issue?.message ?? "is not valid";
      const error = complaint === quantityNotPositive ? complaint : `${field} ${complaint}`;
      return answerProblem(context, new Problem("invalid_input", error));
    },
  });
  app.notFound((context) => answerUnmatched(app, context));
  app.onError((error, context) => {
    if (error instanceof Problem) return answerProblem(context, error);
    if (!(error instanceof StoreClosed)) report(error, `${context.req.method} ${context.req.path}`);
    if (error instanceof StoreFailure) {
      const changed = error.changed === "nothing" ? "nothing was changed" : "what was changed is not known";
      const advice = "Repeat the request with the same Idempotency-Key, or read the current state first.";
      return answerProblem(context, new Problem(error.code, `DB error: ${changed}. ${advice}`));
    }
    return answerProblem(context, new Problem("internal_error", "This is a bug in the service; it was logged."));
  });
  return app;
}

export function answerProblem(context: Context, problem: Problem): Response {
  if (problem.retryAfterMs !== undefined) {
    context.header("Retry-After", String(Math.ceil(problem.retryAfterMs / 1_000)));
  }
  return context.json(problem.body, problem.status);
}

/** An unknown path is 404; a path with another method is 405 with `Allow`. */
function answerUnmatched(app: OpenAPIHono, context: Context): Response {
  const { path } = context.req;
  const allowed = ["GET", "POST"].filter((method) => app.router.match(method, path)[0].length > 0);
  if (allowed.length === 0) return answerProblem(context, new Problem("not_found", "Not Found"));
  // Routes with GET also accept HEAD.
  context.header("Allow", allowed.map((method) => (method === "GET" ? "GET, HEAD" : method)).join(", "));
  return answerProblem(context, new Problem("method_not_allowed", "Method Not Allowed"));
}
