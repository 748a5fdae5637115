// S5: told success stays true for ever; told failure is never charged by that attempt.
import type { ApiBooks } from "./api-books.ts";
import type { History } from "../load/history.ts";
import type { StoreBooks } from "./store-books.ts";
import { type Told, toldOf } from "./told.ts";

/**
 * For how long something that was sent may still be on its way after its client has given up on it: longer than a
 * gateway waits for the answer to what it has passed on (20 s).
 */
export const lingerMaxMs = 25_000;

export function judgeTold(history: History, api: ApiBooks, { rows }: Pick<StoreBooks, "rows">): readonly string[] {
  const findings: string[] = [];
  for (const told of toldOf(history).values()) {
    const { order, contradictions, checkouts, paidAt, refusedFrom } = told;
    for (const text of contradictions) findings.push(`S5: order ${order} was told paid, and later ${text}`);
    const isPaid = api.orders.get(order)?.paid;
    if (isPaid === undefined) findings.push(`S5: order ${order} cannot be found`);
    if (checkouts === 0) continue;
    if (isPaid === false && paidAt !== undefined) findings.push(`S5: order ${order} was told paid and is not`);
    // Whoever was told failure was told it of the first attempt, which it then was not.
    const row = rows.get(order);
    if (row?.outcome === "committed" && row.attempt === 1 && refusedFrom !== undefined && paidAt !== undefined) {
      findings.push(`S5: order ${order} was told failure, and its only attempt has paid it`);
    }
    const why = isPaid === true ? whyNotPaid(told) : undefined;
    if (why !== undefined) findings.push(`S5: order ${order} is paid, and ${why}`);
  }
  return findings;
}

/** Why nothing that was asked for can have paid the order, or undefined where something may have. */
function whyNotPaid({ checkouts, paidAt, unclearAt, refusedFrom }: Told): string | undefined {
  if (paidAt !== undefined) return undefined;
  if (unclearAt === undefined) return `each of its ${checkouts} checkouts was told failure`;
  // What was unclear may be carried out late, and after a failure of a later attempt, but not for ever.
  const isOver = refusedFrom !== undefined && refusedFrom > unclearAt + lingerMaxMs;
  return isOver ? `its checkouts were told failure ${lingerMaxMs} ms and more after the last doubt` : undefined;
}
