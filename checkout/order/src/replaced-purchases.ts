// Purchases of paid orders that seeding replaced: their stock and credit stay spent, so the books need their sums.
import { orderOf } from "./order-row.ts";
import { operation, table, type Table, type Tables } from "assent/internal/ports";
import { putRows, type PutRowsRequest, readRow, replacedCommitted } from "assent/internal/engine";

export const purchasesReplacedTable: Table<string> = table("purchases_replaced", "records");
const ordersKey = "orders";
const itemPrefix = "item ";
const userPrefix = "user ";

export interface ReplacedPurchases {
  /** Number of paid orders in the sums. */
  readonly orders: bigint;
  /** Whether an earlier version replaced paid orders without keeping sums. */
  readonly areComplete: boolean;
  /** By item. */
  readonly units: ReadonlyMap<string, bigint>;
  /** By user. */
  readonly cost: ReadonlyMap<string, bigint>;
}

/** Tables that are read as a whole. */
interface WholeTables extends Pick<Tables, "get"> {
  entries<Row>(table: Table<Row>): Iterable<readonly [key: string, row: Row]>;
}

/** Replaces orders, and adds the purchases of the paid ones to the sums, in one step. */
export const seedOrders = operation("seedOrders", (tables, request: PutRowsRequest): null => {
  const sums = new Map<string, bigint>();
  const add = (key: string, amount: number): void => void sums.set(key, (sums.get(key) ?? 0n) + BigInt(amount));
  for (const [key] of request.rows) {
    const row = readRow(tables, key);
    if (row?.outcome !== "committed") continue;
    const { user, items, total } = orderOf(row);
    add(ordersKey, 1);
    add(userPrefix + user, total);
    for (const [item, quantity] of items) add(itemPrefix + item, quantity);
  }
  for (const [key, sum] of sums) tables.put(purchasesReplacedTable, key, String(readSum(tables, key) + sum));
  return putRows(tables, request);
});

export function readReplacedPurchases(tables: WholeTables): ReplacedPurchases {
  const units = new Map<string, bigint>();
  const cost = new Map<string, bigint>();
  for (const [key, sum] of tables.entries(purchasesReplacedTable)) {
    if (key.startsWith(itemPrefix)) units.set(key.slice(itemPrefix.length), BigInt(sum));
    if (key.startsWith(userPrefix)) cost.set(key.slice(userPrefix.length), BigInt(sum));
  }
  const orders = readSum(tables, ordersKey);
  return { orders, areComplete: orders === BigInt(replacedCommitted(tables)), units, cost };
}

function readSum(tables: Pick<Tables, "get">, key: string): bigint {
  return BigInt(tables.get(purchasesReplacedTable, key) ?? "0");
}
