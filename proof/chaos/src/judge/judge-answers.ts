// S5: a reported success stays true for ever; an attempt reported as failed charges nothing.
import type { ApiBooks } from "./api-books.ts";
import type { History } from "../load/history.ts";
import type { StoreBooks } from "./store-books.ts";
import { type OrderAnswers, answersOf } from "./answers.ts";

/**
 * How long a request may still be in transit after its client has given up: longer than a gateway waits for the answer
 * to a forwarded request (20 s).
 */
export const lingerMaxMs = 25_000;

export function judgeAnswers(history: History, api: ApiBooks, { rows }: Pick<StoreBooks, "rows">): readonly string[] {
  const findings: string[] = [];
  for (const answers of answersOf(history).values()) {
    const { order, contradictions, checkouts, paidAt, refusedFrom } = answers;
    for (const text of contradictions) findings.push(`S5: order ${order} was reported as paid, but later ${text}`);
    const isPaid = api.orders.get(order)?.paid;
    if (isPaid === undefined) findings.push(`S5: order ${order} cannot be found`);
    if (checkouts === 0) continue;
    if (isPaid === false && paidAt !== undefined) findings.push(`S5: order ${order} was reported as paid but is not`);
    // The failure was reported for the first attempt, which then committed.
    const row = rows.get(order);
    if (row?.outcome === "committed" && row.attempt === 1 && refusedFrom !== undefined && paidAt !== undefined) {
      findings.push(`S5: order ${order} was reported as failed, but its only attempt has paid it`);
    }
    const why = isPaid === true ? whyNotPaid(answers) : undefined;
    if (why !== undefined) findings.push(`S5: order ${order} is paid, but ${why}`);
  }
  return findings;
}

/** Why no request can have paid the order, or undefined if one may have. */
function whyNotPaid({ checkouts, paidAt, unclearAt, refusedFrom }: OrderAnswers): string | undefined {
  if (paidAt !== undefined) return undefined;
  if (unclearAt === undefined) return `each of its ${checkouts} checkouts was reported as failed`;
  // A request without a clear answer may be executed late, even after the failure of a later attempt, but not for ever.
  const isOver = refusedFrom !== undefined && refusedFrom > unclearAt + lingerMaxMs;
  return isOver ? `its checkouts failed ${lingerMaxMs} ms or more after the last unclear answer` : undefined;
}
