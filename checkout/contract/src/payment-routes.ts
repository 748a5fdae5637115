// The payment service over HTTP.
import { createRoute, z } from "@hono/zod-openapi";
import { json, keyedProblems, problems, seededSchema, text } from "./answers.ts";
import { amount, id, quantityFromZero, seedCount } from "./fields.ts";
import { healthRoute } from "./health.ts";
import { idempotencyHeader } from "./idempotency-key.ts";

export const userSchema = z
  .object({
    user_id: z.string(),
    credit: z.number().int().openapi({ description: "The available credit, without amounts held by open checkouts." }),
  })
  .openapi("User");

const moved = <Amount extends z.ZodType>(of: Amount) => ({
  params: z.object({ user_id: id("user_id"), amount: of }),
  headers: idempotencyHeader,
});

export const paymentRoutes = {
  create: createRoute({
    method: "post",
    path: "/payment/create_user",
    summary: "Create a user, without credit",
    request: { headers: idempotencyHeader },
    responses: { 200: json("The new user", z.object({ user_id: z.string() })), ...keyedProblems },
  }),
  seed: createRoute({
    method: "post",
    path: "/payment/batch_init/{n}/{starting_money}",
    summary: "Replace users 0 to n − 1",
    request: {
      params: z.object({ n: seedCount("n"), starting_money: quantityFromZero("starting_money") }),
      headers: idempotencyHeader,
    },
    responses: { 200: json("Seeded", seededSchema), ...keyedProblems },
  }),
  find: createRoute({
    method: "get",
    path: "/payment/find_user/{user_id}",
    summary: "Get a user",
    request: { params: z.object({ user_id: id("user_id") }) },
    responses: { 200: json("The user", userSchema), ...problems },
  }),
  addFunds: createRoute({
    method: "post",
    path: "/payment/add_funds/{user_id}/{amount}",
    summary: "Add credit",
    request: moved(quantityFromZero("amount")),
    responses: { 200: json("Added", z.object({ done: z.literal(true) })), ...keyedProblems },
  }),
  pay: createRoute({
    method: "post",
    path: "/payment/pay/{user_id}/{amount}",
    summary: "Take credit",
    request: moved(amount("amount")),
    responses: { 200: text("User: 7 credit updated to: 5"), ...keyedProblems },
  }),
  health: healthRoute("/payment/health"),
} as const;
