// Hono, on any runtime: the handler of the Fetch API.
import type { HttpBus } from "assent/http";
import { Hono } from "hono";

export function inHono(bus: HttpBus): Hono {
  const app = new Hono();
  app.get("/health", (c) => c.text("ok"));
  app.post("/assent/*", (c) => bus.fetch(c.req.raw));
  return app;
}
