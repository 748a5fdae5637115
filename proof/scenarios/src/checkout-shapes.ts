// The checkout in other shapes: the same steps if data is sharded, or if one step may only run after another.
import { checkout, type OrderFields, orderFields } from "@assent/order";
import { defineTransaction, type Transaction } from "assent/internal/coordinator";

/** Number of stock shards; each is a separate branch. */
const stockShards = 3;

const takePayment = {
  service: "payment",
  payload: ({ user, total }: OrderFields) => (total === 0 ? undefined : { entries: [[user, total]] }),
} as const;

const common = { name: "checkout", input: orderFields, onBegin: checkout.onBegin ?? {} } as const;

export const checkoutShapes = {
  plain: checkout,
  sharded: defineTransaction({
    ...common,
    steps: {
      reserve_stock: {
        service: "stock",
        branches: ({ items }) =>
          Array.from({ length: stockShards }, (_, shard) => ({
            partition: String(shard),
            entries: items.filter(([itemId]) => Number(itemId) % stockShards === shard),
          })).flatMap(({ partition, entries }) => (entries.length === 0 ? [] : [{ partition, payload: { entries } }])),
      },
      take_payment: takePayment,
    },
  }),
  chained: defineTransaction({
    ...common,
    steps: {
      reserve_stock: { service: "stock", payload: ({ items }) => ({ entries: items }) },
      take_payment: { ...takePayment, after: ["reserve_stock"] },
    },
  }),
} as const satisfies Readonly<Record<string, Transaction<OrderFields>>>;

export type CheckoutShape = keyof typeof checkoutShapes;
