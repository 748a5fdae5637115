// A system with ample stock and credit, seeded over the API, and a check that its books, read over the API, are exact.
import { objectOf } from "assent/internal/protocol";
import { setTimeout as pause } from "node:timers/promises";
import { judgeLeftOver } from "@assent/books";
import { closedLoop } from "./closed-loop.ts";
import type { KeepAliveClient, Reply } from "./keep-alive-client.ts";

const credit = 1_000_000;
const stock = 1_000_000;
const items = 50;
const quietPollMs = 10;
const againMs = 50;
/** A seeded order: two items of price 1, of a few items that all orders share. */
export const unitsPerOrder = 2;

/** @throws Error unless everything is seeded */
export async function seedShop(url: string, orders: number): Promise<void> {
  const paths = [
    `/stock/batch_init/${items}/${stock}/1`,
    `/payment/batch_init/${items}/${credit}`,
    `/orders/batch_init/${orders}/${items}/${items}/1`,
  ];
  const { byStatus } = await closedLoop({ url, connections: 1, paths });
  if (byStatus[200] !== paths.length) throw new Error(`seeding was answered ${JSON.stringify(byStatus)}`);
}

export interface CheckoutAll {
  readonly url: string;
  readonly connections: number;
  readonly orders: readonly number[];
  readonly waitMs: number;
}

/**
 * Checks orders out, repeating each until it is paid, as a client must while an outcome is unknown. Returns the orders
 * that are not paid when the time is over.
 */
export async function unpaidAfter({ url, connections, orders, waitMs }: CheckoutAll): Promise<readonly number[]> {
  const deadline = performance.now() + waitMs;
  let unpaid = orders;
  while (unpaid.length > 0 && performance.now() < deadline) {
    const asked = unpaid;
    const left: number[] = [];
    const paths = asked.map((order) => `/orders/checkout/${order}`);
    const ask = (index: number): unknown => left.push(asked[index] ?? 0);
    const onReply = (index: number, { status }: Reply): unknown => status !== 200 && ask(index);
    await closedLoop({ url, connections, paths, onReply, onFailure: ask });
    unpaid = left;
    if (unpaid.length > 0) await pause(againMs);
  }
  return unpaid;
}

/**
 * Polls until no transaction is unfinished; false if one still is after `deadlineMs`. A refusal is returned once it is
 * decided, and its holds elsewhere are released afterwards, so books that are read earlier can be short.
 */
export async function untilQuiet(client: KeepAliveClient, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while ((await read(client, "/orders/dlq/status"))["unfinished"] !== 0) {
    if (performance.now() > deadline) return false;
    await pause(quietPollMs);
  }
  return true;
}

/** Whether the remaining stock and credit match the sales exactly: remaining holds would show here, too. */
export async function unbalanced(client: KeepAliveClient, sold: number): Promise<readonly string[]> {
  const numbers = Array.from({ length: items }, (_, index) => index);
  const stockPaths = numbers.map((index) => `/stock/find/${index}`);
  const creditPaths = numbers.map((index) => `/payment/find_user/${index}`);
  const stockLeft = await sum(client, stockPaths, "stock");
  const creditLeft = await sum(client, creditPaths, "credit");
  const things = [
    { name: "stock of all items", given: items * stock, left: stockLeft },
    { name: "credit of all users", given: items * credit, left: creditLeft },
  ];
  return things.map((thing) => judgeLeftOver({ ...thing, taken: 0, sold })).filter((wrong) => wrong !== undefined);
}

/** @throws Error unless the answer is 200 */
export async function read(client: KeepAliveClient, path: string): Promise<Record<string, unknown>> {
  const { status, body } = await client.request("GET", path);
  if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${body}`);
  return objectOf(body);
}

async function sum(client: KeepAliveClient, paths: readonly string[], field: string): Promise<number> {
  let total = 0;
  for (const path of paths) total += Number((await read(client, path))[field]);
  return total;
}
