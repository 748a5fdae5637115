// Counts the cost of a checkout in the embedded system: commits (each forces the disk once), bytes of SQLite's log, and
// messages between threads. The machine's speed does not matter: background work never leaves by itself, because its
// wait is longer than any run.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { type EmbeddedCheckout, startEmbedded } from "../../checkout/cli/src/embedded/embedded-checkout.ts";
import { closedLoop } from "../bench/src/closed-loop.ts";
import { temporaryFolder } from "../../checkout/topology/src/served-checkout.ts";

const folder = temporaryFolder();
after(() => folder.remove());

const checkouts = 128;
const stores = ["orders", "stock", "payment"] as const;
type Counts = Readonly<Record<(typeof stores)[number], number>>;

/** One number for each store. */
function ofEach(count: (store: (typeof stores)[number]) => number): Counts {
  return { orders: count("orders"), stock: count("stock"), payment: count("payment") };
}

/** The number of a store's newest commit, read from a copy as a crash would leave it. */
function lastCommit(path: string, store: string): number {
  const copies = join(path, `copy-${performance.now()}`);
  mkdirSync(copies);
  for (const end of [".db", ".db-wal"]) copyFileSync(join(path, store + end), join(copies, store + end));
  const database = new DatabaseSync(join(copies, `${store}.db`));
  const row = database.prepare("SELECT max(sequence) AS last FROM journal").get();
  database.close();
  return Number(row?.["last"] ?? 0);
}

interface Cost {
  readonly commits: Counts;
  readonly logBytes: number;
  readonly messages: number;
}

/** Runs this many checkouts concurrently, on a separate system. */
async function costOf(context: TestContext, connections: number): Promise<Cost> {
  const path = join(folder.path, `c${connections}`);
  const never = 600_000;
  const reported: unknown[] = [];
  const system: EmbeddedCheckout = await startEmbedded({
    dataFolder: path,
    protocol: "2pc",
    host: "127.0.0.1",
    port: 0,
    companyWaitMs: never,
    observer: { observe: () => undefined },
    report: (error) => void reported.push(error),
    onFailed: (error) => void reported.push(error),
  });
  const posted = context.mock.method(Worker.prototype, "postMessage");
  try {
    const { url } = system;
    const seeds = [
      `/stock/batch_init/${checkouts}/1000000/1`,
      `/payment/batch_init/${checkouts}/1000000`,
      `/orders/batch_init/${checkouts}/${checkouts}/${checkouts}/1`,
    ];
    await closedLoop({ url, connections: 1, paths: seeds });
    const logSize = (): number => stores.reduce((sum, store) => sum + statSync(join(path, `${store}.db-wal`)).size, 0);
    const before = { commits: ofEach((store) => lastCommit(path, store)), bytes: logSize() };
    posted.mock.resetCalls();
    const paths = Array.from({ length: checkouts }, (_, index) => `/orders/checkout/${index}`);
    const { byStatus } = await closedLoop({ url, connections, paths });
    assert.deepEqual(byStatus, { 200: checkouts });
    const cost = {
      messages: posted.mock.callCount() / checkouts,
      commits: ofEach((store) => (lastCommit(path, store) - before.commits[store]) / checkouts),
      logBytes: (logSize() - before.bytes) / checkouts,
    };
    context.diagnostic(JSON.stringify(cost));
    return cost;
  } finally {
    posted.mock.restore();
    await system.close();
    assert.deepEqual(reported, []);
  }
}

/** A margin for sweeps during a run on a slow machine. */
const sweeps = 0.25;
const atMost = (found: number, limit: number, what: string): void =>
  assert.ok(found <= limit + sweeps, `${what}: ${found} for each checkout, limit ${limit}`);

test("a single checkout costs one commit for each step that its caller waits for, and no more", async (context) => {
  const { commits, logBytes, messages } = await costOf(context, 1);
  atMost(commits.orders, 2, "commits of orders: begin and decide, with the end of the previous one");
  atMost(commits.stock, 1, "commits of stock: prepare, with commit and forget of earlier ones");
  atMost(commits.payment, 1, "commits of payment");
  atMost(messages, 4, "messages to store threads");
  assert.ok(logBytes < 50_000, `${logBytes} bytes of SQLite's log for each checkout`);
});

test("64 concurrent checkouts share commits and messages", async (context) => {
  const { commits, logBytes, messages } = await costOf(context, 64);
  atMost(commits.orders, 1, "commits of orders");
  atMost(commits.stock, 0.5, "commits of stock");
  atMost(commits.payment, 0.5, "commits of payment");
  atMost(messages, 2, "messages to store threads");
  assert.ok(logBytes < 25_000, `${logBytes} bytes of SQLite's log for each checkout`);
});
