// The order service over HTTP.
import { createRoute, z } from "@hono/zod-openapi";
import { checkoutProblems, json, keyedProblems, problems, seededSchema, text } from "./answers.ts";
import { id, itemQuantity, seedCount, seedPriceMax, wholeNumber } from "./fields.ts";
import { healthRoute } from "./health.ts";
import { idempotencyHeader } from "./idempotency-key.ts";

export const orderSchema = z
  .object({
    order_id: z.string(),
    paid: z.boolean(),
    items: z.array(z.string()).openapi({ description: "Item ids, one for each time an item was added." }),
    user_id: z.string(),
    total_cost: z.number().int(),
  })
  .openapi("Order");

export const orderRoutes = {
  create: createRoute({
    method: "post",
    path: "/orders/create/{user_id}",
    summary: "Open an order for a user",
    request: { params: z.object({ user_id: id("user_id") }), headers: idempotencyHeader },
    responses: { 200: json("The new order", z.object({ order_id: z.string() })), ...keyedProblems },
  }),
  seed: createRoute({
    method: "post",
    path: "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}",
    summary: "Replace orders 0 to n − 1, each of a random user with two random items",
    request: {
      params: z.object({
        n: seedCount("n"),
        n_items: seedCount("n_items", 1),
        n_users: seedCount("n_users", 1),
        item_price: wholeNumber("item_price", { min: 0, max: seedPriceMax }),
      }),
      headers: idempotencyHeader,
    },
    responses: { 200: json("Seeded", seededSchema), ...keyedProblems },
  }),
  find: createRoute({
    method: "get",
    path: "/orders/find/{order_id}",
    summary: "Get an order",
    request: { params: z.object({ order_id: id("order_id") }) },
    responses: { 200: json("The order", orderSchema), ...problems },
  }),
  addItem: createRoute({
    method: "post",
    path: "/orders/addItem/{order_id}/{item_id}/{quantity}",
    summary: "Add items to an order that is neither paid nor being checked out",
    request: {
      params: z.object({ order_id: id("order_id"), item_id: id("item_id"), quantity: itemQuantity("quantity") }),
      headers: idempotencyHeader,
    },
    responses: { 200: text("Item: 7 added to: 0 price updated to: 30"), ...keyedProblems },
  }),
  checkout: createRoute({
    method: "post",
    path: "/orders/checkout/{order_id}",
    summary: "Take the stock and the money of an order, both or neither",
    request: { params: z.object({ order_id: id("order_id") }) },
    responses: { 200: text("Checkout successful"), ...checkoutProblems },
  }),
  deadLetters: createRoute({
    method: "get",
    path: "/orders/dlq/status",
    summary: "Transactions that cannot be finished now; they are still owned and retried",
    responses: {
      200: json(
        "The parked transactions",
        z.object({
          count: z.number().int(),
          latest: z.array(z.record(z.string(), z.unknown())),
          unfinished: z.number().int().openapi({ description: "All unfinished transactions, parked or not." }),
        }),
      ),
      ...problems,
    },
  }),
  health: healthRoute("/orders/health"),
} as const;
