// The OpenAPI document of all services, generated from their routes.
import { OpenAPIHono } from "@hono/zod-openapi";
import { faultRoutes } from "./fault-routes.ts";
import { orderRoutes } from "./order-routes.ts";
import { paymentRoutes } from "./payment-routes.ts";
import { stockRoutes } from "./stock-routes.ts";

export function openApiDocument(): ReturnType<OpenAPIHono["getOpenAPI31Document"]> {
  const hono = new OpenAPIHono();
  const faults = ["orders", "stock", "payment"].map(faultRoutes);
  for (const route of [orderRoutes, stockRoutes, paymentRoutes, ...faults].flatMap((routes) => Object.values(routes))) {
    hono.openAPIRegistry.registerPath(route);
  }
  return hono.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Assent checkout",
      version: "0.1.0",
      description: "Orders, stock and payment. A checkout takes the stock and the money of an order, both or neither.",
    },
  });
}
