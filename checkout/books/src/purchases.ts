// Purchases of orders, by item and by user: the amounts that stock and payment must have spent on them.
import type { OrderFields, ReplacedPurchases } from "@assent/order";

export class Purchases {
  readonly units = new Map<string, bigint>();
  readonly cost = new Map<string, bigint>();

  add({ user, items, total }: Pick<OrderFields, "user" | "items" | "total">): void {
    for (const [item, quantity] of items) increase(this.units, item, quantity);
    if (total > 0) increase(this.cost, user, total);
  }

  addReplaced({ units, cost }: ReplacedPurchases): void {
    for (const [item, quantity] of units) increase(this.units, item, quantity);
    for (const [user, total] of cost) if (total > 0n) increase(this.cost, user, total);
  }
}

function increase(sums: Map<string, bigint>, id: string, amount: number | bigint): void {
  sums.set(id, (sums.get(id) ?? 0n) + BigInt(amount));
}
