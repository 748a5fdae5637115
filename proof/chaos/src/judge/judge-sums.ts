// S2 as any client can check it: the remaining stock of each item and credit of each user equals the deposits, minus
// the withdrawals, minus the purchases of paid orders. Exact, because every change was repeated until it was clear.
import { judgeLeftOver } from "@assent/books";
import type { ApiBooks, ApiOrder } from "./api-books.ts";
import type { Shop, ShopOrder, Thing } from "../load/shop.ts";

export function judgeSums(shop: Shop, api: ApiBooks): readonly string[] {
  const findings: string[] = [];
  const bought = new Map<string, number>();
  const add = (id: string, amount: number): void => void bought.set(id, (bought.get(id) ?? 0) + amount);
  for (const order of shop.orders.values()) {
    const found = api.orders.get(order.id);
    const wrong = found === undefined ? "cannot be found" : wrongContent(shop, order, found);
    if (wrong !== undefined) findings.push(`S2: order ${order.id} ${wrong}`);
    if (found?.paid !== true) continue;
    for (const [item, quantity] of order.lines) add(item, quantity);
    add(order.user, shop.totalOf(order));
  }
  const compare = (what: string, things: Iterable<Thing>, left: ReadonlyMap<string, number>): void => {
    for (const { id, given, taken } of things) {
      const sold = bought.get(id) ?? 0;
      const wrong = judgeLeftOver({ name: `${what} of ${id}`, given, taken, sold, left: left.get(id) });
      if (wrong !== undefined) findings.push(wrong);
    }
  };
  compare("stock", shop.items.values(), api.stock);
  compare("credit", shop.users.values(), api.credit);
  return findings;
}

/** Differences between the items of an order and the acknowledged additions. */
function wrongContent(shop: Shop, order: ShopOrder, found: ApiOrder): string | undefined {
  const total = shop.totalOf(order);
  if (found.user !== order.user) return `is of user ${found.user}, but was created for ${order.user}`;
  if (found.total !== total) return `costs ${found.total}, but must cost ${total}`;
  const [items, added] = [[...found.items].sort(), order.lines.map(([item]) => item).sort()];
  if (items.join() !== added.join()) return `contains ${items.join(" ")}, but ${added.join(" ")} was added`;
  return undefined;
}
