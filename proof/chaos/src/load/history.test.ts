// Figures derived from a history, with constructed attempts.
import { temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Attempt } from "./attempt.ts";
import { History } from "./history.ts";

const some = { kind: "checkout", subject: "order", key: "", gateway: 0, status: 200, code: "" } as const;

function historyOf(attempts: readonly (Partial<Attempt> & { startedAt: number })[]): History {
  const history = new History({ flow: { checkouts: 3, withinMs: 100 } });
  for (const attempt of attempts) {
    history.record({ ...some, request: history.nextRequest(), endedAt: attempt.startedAt + 10, ...attempt });
  }
  return history;
}

test("the interruption is the longest time without a first success, including the ends of the range", () => {
  const history = historyOf([
    { startedAt: 0 },
    { startedAt: 90 },
    { startedAt: 150, status: 409, code: "checkout_pending" },
    { startedAt: 160, kind: "checkout_again" },
    { startedAt: 290 },
    { startedAt: 900 },
  ]);
  assert.equal(history.stoodStill(10, 300), 200);
  assert.equal(history.stoodStill(250, 320), 50);
  assert.equal(history.stoodStill(300, 900), 600);
  assert.equal(history.stoodStill(920, 1_000), 80);
});

test("checkouts have recovered with the first of enough successes begun since", () => {
  const history = historyOf([
    { startedAt: 99, endedAt: 105 },
    { startedAt: 100, endedAt: 110 },
    { startedAt: 210, endedAt: 220 },
    { startedAt: 250, endedAt: 260, status: 400 },
    { startedAt: 270, endedAt: 280 },
    { startedAt: 300, endedAt: 320 },
  ]);
  assert.equal(history.flowsAgainAfter(100), 120);
  assert.equal(history.flowsAgainAfter(211), undefined);
});

test("figures count attempts, and requests including retries and failovers", () => {
  const history = historyOf([
    { startedAt: 0, endedAt: 10_001, request: 7, status: 0 },
    { startedAt: 10_010, endedAt: 10_030, request: 7, gateway: 1 },
    { startedAt: 0, endedAt: 10_500, request: 8, status: 503, subject: "other" },
    { startedAt: 0, endedAt: 40, request: 9, kind: "pay", status: 400, code: "insufficient_credit" },
    { startedAt: 0, endedAt: 50, request: 10, kind: "resolve", status: 500 },
    { startedAt: 0, endedAt: 60, request: 11, kind: "checkout_again", subject: "order" },
  ]);
  const { requests, byKind, ...figures } = history.figures();
  assert.deepEqual(figures, {
    attempts: 5,
    answered: 4,
    answeredInTime: 3 / 5,
    checkouts5xx: 1,
    all5xx: 1,
    ordersPaid: 1,
    latencies: { p50Ms: 40, p99Ms: 60, maxMs: 10_500 },
    checkoutLatencies: { p50Ms: 60, p99Ms: 60, maxMs: 10_500 },
  });
  const latencies = { p50Ms: 60, p99Ms: 60, maxMs: 10_030 };
  const counts = { total: 4, done: 2, refused: 1, unclear: 1, repeated: 1, answeredInTime: 2 / 4 };
  assert.deepEqual(requests, { ...counts, latencies });
  assert.deepEqual(byKind.checkout, { attempts: 3, byStatus: { 0: 1, 200: 1, 503: 1 }, byCode: {} });
  assert.deepEqual(byKind.pay?.byCode, { insufficient_credit: 1 });
});

test("a history is written as one line of JSON for each attempt", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, "history.ndjson");
  const attempts = [{ startedAt: 1 }, { startedAt: 2, kind: "pay", key: "k", status: 400, code: "no" }] as const;
  historyOf(attempts).toFile(path);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  folder.remove();
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    attempts.map((attempt, index) => ({ ...some, request: index + 1, endedAt: attempt.startedAt + 10, ...attempt })),
  );
});
