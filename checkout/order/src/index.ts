/** Orders, and the checkout that pays them. @module */
export * from "./checkout.ts";
export * from "./order.ts";
export * from "./order-app.ts";
export * from "./order-row.ts";
export * from "./order-service.ts";
export * from "./order-store.ts";
export {
  purchasesReplacedTable,
  readReplacedPurchases,
  type ReplacedPurchases,
  seedOrders,
} from "./replaced-purchases.ts";
