// The one audit of the books, used by `assent audit`, the chaos suite, the crash test and the simulator.
import { orderOf, readReplacedPurchases } from "@assent/order";
import { isEnded, isJsonObject } from "assent/internal/protocol";
import { formerIndexTable, recordTable, rowTable, unfinishedTable, unfinishedTxId } from "assent/internal/engine";
import type { BookStore, BookStores } from "./book-store.ts";
import { type Finding, judgeLedger, type LedgerSums } from "./judge-ledger.ts";
import { Purchases } from "./purchases.ts";

export interface OrderSums {
  readonly total: number;
  readonly paid: number;
  readonly paidUnits: bigint;
  readonly paidCost: bigint;
  /** Paid orders that seeding replaced; not included in the other figures. */
  readonly paidBefore: bigint;
}

export interface BooksReport {
  readonly stock: LedgerSums;
  readonly credit: LedgerSums;
  readonly orders: OrderSums;
  /** Transactions that have not ended: the next start finishes them. */
  readonly unfinished: number;
  /** Whether everything could be compared: false if seeding by an earlier version replaced spent or paid amounts. */
  readonly isExact: boolean;
  /** Empty when everything adds up. */
  readonly findings: Readonly<Record<"stock" | "payment", readonly Finding[]>>;
}

/**
 * Audits stores in which nothing changes meanwhile.
 * @param isComplete false if an earlier version may have replaced accounts without keeping their spending
 */
export function judgeBooks({ orders, stock, payment }: BookStores, { isComplete = true } = {}): BooksReport {
  const { sums, bought } = readOrders(orders);
  const { count, asked } = readUnfinished(orders);
  const before = readReplacedPurchases(orders);
  const areOrdersComplete = before.areComplete;
  bought.addReplaced(before);
  const shared = { ordersName: orders.name, areAccountsComplete: isComplete, areOrdersComplete };
  const units = judgeLedger({
    ...shared,
    store: stock,
    words: { account: "units of item", took: "took" },
    paid: bought.units,
    unfinished: asked.units,
  });
  const credit = judgeLedger({
    ...shared,
    store: payment,
    words: { account: "credit of user", took: "cost" },
    paid: bought.cost,
    unfinished: asked.cost,
  });
  return {
    stock: units.sums,
    credit: credit.sums,
    orders: { ...sums, paidBefore: before.orders },
    unfinished: count,
    isExact: isComplete && areOrdersComplete,
    findings: { stock: units.findings, payment: credit.findings },
  };
}

function readOrders(store: BookStore): { sums: Omit<OrderSums, "paidBefore">; bought: Purchases } {
  const sums = { total: 0, paid: 0, paidUnits: 0n, paidCost: 0n };
  const bought = new Purchases();
  for (const [, row] of store.entries(rowTable)) {
    sums.total += 1;
    if (row.outcome !== "committed") continue;
    const order = orderOf(row);
    sums.paid += 1;
    sums.paidUnits += BigInt(order.units);
    sums.paidCost += BigInt(order.total);
    bought.add(order);
  }
  return { sums, bought };
}

/** Amounts of unfinished checkouts, paid or not: each may be held or already spent. */
function readUnfinished(store: BookStore): { count: number; asked: Purchases } {
  const asked = new Purchases();
  const txIds = new Set<string>();
  for (const [key] of store.entries(unfinishedTable)) txIds.add(unfinishedTxId(key));
  // A folder of an earlier version has these in its index.
  for (const [key] of store.entries(formerIndexTable)) txIds.add(key);
  for (const txId of txIds) {
    const record = store.get(recordTable, txId);
    const { input } = record ?? {};
    if (record !== undefined && !isEnded(record) && isJsonObject(input)) asked.add(orderOf({ fields: input }));
  }
  return { count: txIds.size, asked };
}
