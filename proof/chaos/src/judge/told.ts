// What the clients were told of each order, from their history: the side of S5 that the system cannot forget.
import { isCheckout, verdictOf } from "../load/attempt.ts";
import type { History } from "../load/history.ts";

export interface Told {
  readonly order: string;
  /** Checkouts that were asked for. */
  checkouts: number;
  /** When the first success was told. */
  paidAt: number | undefined;
  /** When the last attempt ended that had no clear answer. */
  unclearAt: number | undefined;
  /** When the last attempt began that was told that the checkout had failed. */
  refusedFrom: number | undefined;
  /** When the last attempt began that was told that nothing was started. */
  notNowFrom: number | undefined;
  /** Answers that contradict a success told before they were asked for. */
  readonly contradictions: string[];
}

export function toldOf(history: History): ReadonlyMap<string, Told> {
  const byOrder = new Map<string, Told>();
  for (const attempt of history.attempts()) {
    const { kind, subject, startedAt, endedAt, status, code } = attempt;
    if (kind !== "find_order" && !isCheckout(kind)) continue;
    const told = byOrder.get(subject) ?? nothingTold(subject);
    byOrder.set(subject, told);
    const wasPaid = told.paidAt !== undefined && told.paidAt <= startedAt;
    if (kind === "find_order") {
      if (wasPaid && code === "open") told.contradictions.push("a look-up told that it is not paid");
      continue;
    }
    told.checkouts += 1;
    switch (verdictOf(attempt)) {
      case "done":
        told.paidAt ??= endedAt;
        break;
      case "unclear":
        told.unclearAt = Math.max(told.unclearAt ?? 0, endedAt);
        break;
      case "refused":
        told.refusedFrom = Math.max(told.refusedFrom ?? 0, startedAt);
        if (wasPaid) told.contradictions.push(`a checkout was answered ${status} ${code}`);
        break;
      case "not_now":
        told.notNowFrom = Math.max(told.notNowFrom ?? 0, startedAt);
    }
  }
  return byOrder;
}

/** Whether nobody who asked for this order can know what became of it. */
export function isUnclear({ paidAt, unclearAt, refusedFrom }: Told): boolean {
  if (paidAt !== undefined || unclearAt === undefined) return false;
  return refusedFrom === undefined || refusedFrom < unclearAt;
}

function nothingTold(order: string): Told {
  return {
    order,
    checkouts: 0,
    paidAt: undefined,
    unclearAt: undefined,
    refusedFrom: undefined,
    notNowFrom: undefined,
    contradictions: [],
  };
}
