// The stock service over HTTP.
import { createRoute, z } from "@hono/zod-openapi";
import { json, keyedProblems, problems, seededSchema, text } from "./answers.ts";
import { amount, id, quantityFromZero, seedCount } from "./fields.ts";
import { healthRoute } from "./health.ts";
import { idempotencyHeader } from "./idempotency-key.ts";

export const itemSchema = z
  .object({
    stock: z.number().int().openapi({ description: "The available stock, without units held by open checkouts." }),
    price: z.number().int(),
  })
  .openapi("Item");

const change = <Amount extends z.ZodType>(of: Amount) =>
  ({
    method: "post",
    request: { params: z.object({ item_id: id("item_id"), amount: of }), headers: idempotencyHeader },
    responses: { 200: text("Item: 7 stock updated to: 35"), ...keyedProblems },
  }) as const;

export const stockRoutes = {
  create: createRoute({
    method: "post",
    path: "/stock/item/create/{price}",
    summary: "Create an item, without stock",
    request: { params: z.object({ price: quantityFromZero("price") }), headers: idempotencyHeader },
    responses: { 200: json("The new item", z.object({ item_id: z.string() })), ...keyedProblems },
  }),
  seed: createRoute({
    method: "post",
    path: "/stock/batch_init/{n}/{starting_stock}/{item_price}",
    summary: "Replace items 0 to n − 1",
    request: {
      params: z.object({
        n: seedCount("n"),
        starting_stock: quantityFromZero("starting_stock"),
        item_price: quantityFromZero("item_price"),
      }),
      headers: idempotencyHeader,
    },
    responses: { 200: json("Seeded", seededSchema), ...keyedProblems },
  }),
  find: createRoute({
    method: "get",
    path: "/stock/find/{item_id}",
    summary: "Get an item",
    request: { params: z.object({ item_id: id("item_id") }) },
    responses: { 200: json("The item", itemSchema), ...problems },
  }),
  add: createRoute({
    ...change(quantityFromZero("amount")),
    path: "/stock/add/{item_id}/{amount}",
    summary: "Add stock",
  }),
  subtract: createRoute({
    ...change(amount("amount")),
    path: "/stock/subtract/{item_id}/{amount}",
    summary: "Take stock out",
  }),
  health: healthRoute("/stock/health"),
} as const;
