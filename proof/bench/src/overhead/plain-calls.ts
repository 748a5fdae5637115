// The checkout written by hand without a protocol: read the order, take the stock, take the money, mark the order paid.
// Nothing is undone after a crash, a lost reply charges twice, and a refusal in the middle keeps what was taken before.
// The baseline for the cost of the orchestrator.
import { rowOperations } from "assent/internal/engine";
import { ledgerOperations } from "assent/ledger";
import { orderOf } from "@assent/order";
import type { LocalStores } from "./local-stores.ts";

/** Sequential store steps before the answer. */
export const plainSequentialSteps = 4;

export async function plainCheckout({ order, stock, payment }: LocalStores, orderId: string): Promise<boolean> {
  const row = await order.run(rowOperations.readRow, { key: orderId });
  if (row === null) return false;
  const { items, user, total } = orderOf(row);
  const taken = await Promise.all(
    items.map(([accountId, amount]) => stock.run(ledgerOperations.withdraw, { accountId, amount })),
  );
  if (taken.some(({ kind }) => kind !== "ok")) return false;
  const paid = await payment.run(ledgerOperations.withdraw, { accountId: user, amount: total });
  if (paid.kind !== "ok") return false;
  return (
    (await order.run(rowOperations.changeRow, { key: orderId, change: { set: { paid: true } } })).kind === "changed"
  );
}
