// Unknown outcomes of a load are resolved by repeating the requests.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { Attempt } from "../load/attempt.ts";
import { History } from "../load/history.ts";
import { type KeyedRequest, move } from "../load/keyed-request.ts";
import { resolve } from "./resolve.ts";
import { Shop } from "../load/shop.ts";
import { answersOf } from "./answers.ts";

/** Answers each path with its statuses in order, repeating the last one. */
async function gateway(t: TestContext, answers: Readonly<Record<string, number[]>>): Promise<string> {
  const time = heldTime(t);
  const server = createServer((request, response) => {
    const statuses = answers[request.url ?? ""] ?? [404];
    // Once everything has reached its last answer.
    if (Object.values(answers).every(({ length }) => length === 1)) time.pass(deadlineMs / 10);
    const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 404;
    response.writeHead(status, { "Content-Length": 2, "Retry-After": 0 }).end("{}");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function checkouts(attempts: readonly Partial<Attempt>[]): History {
  const history = new History();
  for (const attempt of attempts) {
    const some = { kind: "checkout", subject: "", key: "", gateway: 0, code: "", startedAt: 0, endedAt: 1 } as const;
    history.record({ ...some, status: 0, request: history.nextRequest(), ...attempt });
  }
  return history;
}

/** Time that passes on request: no machine is too slow for a deadline then. */
function heldTime(t: TestContext): { pass(ms: number): void } {
  let now = performance.now();
  t.mock.method(performance, "now", () => now);
  return { pass: (ms) => (now += ms) };
}

const deadlineMs = 300;
const soon = (): number => performance.now() + deadlineMs;

test("checkouts with an unclear answer are repeated until it is clear; others are not", async (t) => {
  const url = await gateway(t, {
    "/orders/checkout/lost": [409, 409, 200],
    "/orders/checkout/late": [400],
    "/orders/checkout/never": [409],
  });
  const history = checkouts([
    { subject: "lost" },
    { subject: "late", status: 400, endedAt: 9 },
    { subject: "late", status: 409, startedAt: 2, endedAt: 5 },
    { subject: "never" },
    { subject: "paid" },
    { subject: "paid", status: 200 },
    { subject: "poor" },
    { subject: "poor", status: 400, startedAt: 2 },
  ]);
  const findings = await resolve({ history, open: [] }, { urls: [url], deadline: soon() });
  assert.deepEqual(findings, ["S7: order never has no clear outcome at the deadline: 409 "]);
  const resolved = new Set([...history.attempts()].flatMap(({ kind, subject }) => (kind === "resolve" ? subject : [])));
  assert.deepEqual([...resolved].sort(), ["late", "lost", "never"]);
  assert.ok(answersOf(history).get("lost")?.paidAt !== undefined);
  assert.equal(history.figures().attempts, 8, "resolving does not count as load");
});

test("changes without a clear answer are repeated, and count once they are done", async (t) => {
  const url = await gateway(t, {
    "/stock/add/item/5": [503, 200],
    "/stock/subtract/item/7": [400],
    "/stock/add/item/9": [503],
  });
  const item = new Shop().addItem("item", 1);
  const open: KeyedRequest[] = [
    move("add_stock", "a", { thing: item, amount: 5 }),
    move("subtract_stock", "b", { thing: item, amount: 7 }),
    move("add_stock", "c", { thing: item, amount: 9 }),
  ];
  const history = new History();
  const findings = await resolve({ history, open }, { urls: [url], deadline: soon() });
  assert.deepEqual(findings, ["/stock/add/item/9 under key c has no clear answer: 503 "]);
  assert.deepEqual([item.given, item.taken, history.size], [5, 0, 0]);
  assert.deepEqual(
    open.map(({ request }) => request.key),
    ["c"],
  );
});
