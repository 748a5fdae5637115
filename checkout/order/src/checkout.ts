// The checkout: takes the stock and the money of an order, both or neither.
import { defineTransaction, type Transaction } from "assent/internal/coordinator";
import { type OrderFields, orderFields } from "./order.ts";

export const checkout: Transaction<OrderFields> = defineTransaction({
  name: "checkout",
  input: orderFields,
  onBegin: { expect: [{ field: "units", atLeast: 1 }] },
  steps: {
    reserve_stock: { service: "stock", payload: ({ items }) => ({ entries: items }) },
    take_payment: {
      service: "payment",
      payload: ({ user, total }) => (total === 0 ? undefined : { entries: [[user, total]] }),
    },
  },
});
