// The answers that clients got for each order, from their history: evidence for S5 that the system cannot lose.
import { isCheckout, verdictOf } from "../load/attempt.ts";
import type { History } from "../load/history.ts";

export interface OrderAnswers {
  readonly order: string;
  /** Number of checkouts requested. */
  checkouts: number;
  /** When the first success was reported. */
  paidAt: number | undefined;
  /** When the last attempt without a clear answer ended. */
  unclearAt: number | undefined;
  /** When the last attempt that was reported as failed began. */
  refusedFrom: number | undefined;
  /** When the last attempt began whose answer was that nothing was started. */
  notNowFrom: number | undefined;
  /** Answers that contradict a success reported before their request. */
  readonly contradictions: string[];
}

export function answersOf(history: History): ReadonlyMap<string, OrderAnswers> {
  const byOrder = new Map<string, OrderAnswers>();
  for (const attempt of history.attempts()) {
    const { kind, subject, startedAt, endedAt, status, code } = attempt;
    if (kind !== "find_order" && !isCheckout(kind)) continue;
    const answers = byOrder.get(subject) ?? noAnswers(subject);
    byOrder.set(subject, answers);
    const wasPaid = answers.paidAt !== undefined && answers.paidAt <= startedAt;
    if (kind === "find_order") {
      if (wasPaid && code === "open") answers.contradictions.push("a read showed it as not paid");
      continue;
    }
    answers.checkouts += 1;
    switch (verdictOf(attempt)) {
      case "done":
        answers.paidAt ??= endedAt;
        break;
      case "unclear":
        answers.unclearAt = Math.max(answers.unclearAt ?? 0, endedAt);
        break;
      case "refused":
        answers.refusedFrom = Math.max(answers.refusedFrom ?? 0, startedAt);
        if (wasPaid) answers.contradictions.push(`a checkout was answered ${status} ${code}`);
        break;
      case "not_now":
        answers.notNowFrom = Math.max(answers.notNowFrom ?? 0, startedAt);
    }
  }
  return byOrder;
}

/** Whether no client knows the outcome of this order. */
export function isUnclear({ paidAt, unclearAt, refusedFrom }: OrderAnswers): boolean {
  if (paidAt !== undefined || unclearAt === undefined) return false;
  return refusedFrom === undefined || refusedFrom < unclearAt;
}

function noAnswers(order: string): OrderAnswers {
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
