// Express: the listener of Node. It reads the body itself, so it comes before any body parser.
import type { HttpBus } from "assent/http";
import express, { type Express } from "express";

export function inExpress(bus: HttpBus): Express {
  const app = express();
  app.use("/assent", bus.listener);
  app.use(express.json());
  app.get("/health", (_request, response) => void response.send("ok"));
  return app;
}
