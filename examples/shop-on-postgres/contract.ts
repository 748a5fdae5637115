// What the three processes share: the two services, and the transaction over them.
import { service, transaction } from "assent";
import { z } from "zod";

export const stock = service("stock", {
  take: { input: z.object({ item: z.string(), quantity: z.int().min(1) }), refusals: ["sold_out"] },
});

export const payment = service("payment", {
  charge: { input: z.object({ customer: z.string(), amount: z.int().min(1) }), refusals: ["no_credit"] },
});

export const order = z.object({ customer: z.string(), item: z.string(), quantity: z.int().min(1).max(1_000) });

export const checkout = transaction("checkout", {
  input: order.extend({ total: z.int().min(1) }),
  steps: ({ customer, item, quantity, total }) => ({
    goods: stock.take({ item, quantity }),
    money: payment.charge({ customer, amount: total }),
  }),
});
