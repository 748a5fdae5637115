// Figures of a load, from its attempts.
import { type Attempt, isCheckout, type RequestKind, verdictOf } from "./attempt.ts";

/** Later answers count as missing. */
export const answerMaxMs = 10_000;

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface KindFigures {
  readonly attempts: number;
  /** Status 0: no answer. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Number of answers with each code. */
  readonly byCode: Readonly<Record<string, number>>;
}

/** Results of clients after their failovers and retries. */
export interface RequestFigures {
  readonly total: number;
  readonly done: number;
  readonly refused: number;
  /** Given up without a clear answer, or not finished. */
  readonly unclear: number;
  /** Needed more than one attempt. */
  readonly repeated: number;
  /** Share of requests whose first answer, from any gateway and attempt, came within 10 s. */
  readonly answeredInTime: number;
  /** From the first attempt to the clear answer. */
  readonly latencies: Latencies;
}

export interface HistoryFigures {
  readonly attempts: number;
  /** Attempts with any answer. */
  readonly answered: number;
  /** Share of attempts answered within 10 s (1: all). */
  readonly answeredInTime: number;
  /** Checkouts answered 5xx. */
  readonly checkouts5xx: number;
  /** All attempts answered 5xx. */
  readonly all5xx: number;
  /** Orders that were reported as paid. */
  readonly ordersPaid: number;
  /** Of the answered attempts. */
  readonly latencies: Latencies;
  readonly checkoutLatencies: Latencies;
  readonly requests: RequestFigures;
  readonly byKind: Readonly<Partial<Record<RequestKind, KindFigures>>>;
}

export function figuresOf(all: Iterable<Attempt>): HistoryFigures {
  const latencies: number[] = [];
  const checkoutLatencies: number[] = [];
  const byKind: Partial<Record<RequestKind, MutableKind>> = {};
  const requests = new Map<number, Attempt>();
  const startedAt = new Map<number, number>();
  const inTime = new Set<number>();
  const counts = { attempts: 0, inTime: 0, checkouts5xx: 0, all5xx: 0, repeated: new Set<number>() };
  const paid = new Set<string>();
  for (const attempt of all) {
    const { kind, request, status, endedAt } = attempt;
    if (kind === "resolve") continue;
    counts.attempts += 1;
    count((byKind[kind] ??= { attempts: 0, byStatus: {}, byCode: {} }), attempt);
    if (requests.has(request)) counts.repeated.add(request);
    else startedAt.set(request, attempt.startedAt);
    requests.set(request, attempt);
    if (status === 0) continue;
    if (endedAt - (startedAt.get(request) ?? 0) <= answerMaxMs) inTime.add(request);
    const tookMs = endedAt - attempt.startedAt;
    latencies.push(tookMs);
    if (tookMs <= answerMaxMs) counts.inTime += 1;
    if (status >= 500) counts.all5xx += 1;
    if (!isCheckout(kind)) continue;
    checkoutLatencies.push(tookMs);
    if (status >= 500) counts.checkouts5xx += 1;
    if (status === 200) paid.add(attempt.subject);
  }
  return {
    attempts: counts.attempts,
    answered: latencies.length,
    answeredInTime: counts.attempts === 0 ? 1 : counts.inTime / counts.attempts,
    checkouts5xx: counts.checkouts5xx,
    all5xx: counts.all5xx,
    ordersPaid: paid.size,
    latencies: latenciesOf(latencies),
    checkoutLatencies: latenciesOf(checkoutLatencies),
    requests: requestFigures({ last: requests, startedAt, repeated: counts.repeated.size, inTime: inTime.size }),
    byKind,
  };
}

interface MutableKind {
  attempts: number;
  readonly byStatus: Record<string, number>;
  readonly byCode: Record<string, number>;
}

function count(figures: MutableKind, { status, code }: Attempt): void {
  figures.attempts += 1;
  figures.byStatus[status] = (figures.byStatus[status] ?? 0) + 1;
  if (code !== "") figures.byCode[code] = (figures.byCode[code] ?? 0) + 1;
}

function requestFigures({
  last,
  startedAt,
  repeated,
  inTime,
}: {
  last: ReadonlyMap<number, Attempt>;
  startedAt: ReadonlyMap<number, number>;
  repeated: number;
  inTime: number;
}): RequestFigures {
  const ends = { done: 0, refused: 0, unclear: 0 };
  const latencies: number[] = [];
  for (const [request, attempt] of last) {
    const verdict = verdictOf(attempt);
    ends[verdict === "not_now" ? "unclear" : verdict] += 1;
    if (verdict === "done" || verdict === "refused") latencies.push(attempt.endedAt - (startedAt.get(request) ?? 0));
  }
  const answeredInTime = last.size === 0 ? 1 : inTime / last.size;
  return { total: last.size, ...ends, repeated, answeredInTime, latencies: latenciesOf(latencies) };
}

function latenciesOf(unsorted: readonly number[]): Latencies {
  const sorted = Float64Array.from(unsorted).sort();
  const percentile = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return { p50Ms: percentile(0.5), p99Ms: percentile(0.99), maxMs: percentile(1) };
}
