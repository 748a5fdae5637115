// The OpenAPI document of all services, made from their routes.
import { OpenAPIHono } from "@hono/zod-openapi";
import { orderRoutes } from "./order-routes.ts";
import { paymentRoutes } from "./payment-routes.ts";
import { stockRoutes } from "./stock-routes.ts";

export function openApiDocument(): ReturnType<OpenAPIHono["getOpenAPI31Document"]> {
  const hono = new OpenAPIHono();
  for (const route of [orderRoutes, stockRoutes, paymentRoutes].flatMap((routes) => Object.values(routes))) {
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
