// The course's consistency scenario: one item with a stock of 100 at price 1; 1,000 users with a credit of 1; 1,000
// orders, each of a random user (with replacement); all are checked out. Exactly 100 may succeed.
import { objectOf } from "assent/internal/protocol";
import { closedLoop } from "./closed-loop.ts";
import { lacking } from "./fault-matrix.ts";
import { KeepAliveClient, type Reply } from "./keep-alive-client.ts";
import { untilQuiet } from "./shop-books.ts";

export const courseStock = 100;
export const courseUsers = 1_000;
export const courseOrders = 1_000;

export interface CourseResult {
  readonly succeeded: number;
  readonly refused: number;
  /** Neither 2xx nor 4xx. */
  readonly otherwise: number;
  readonly stockLeft: number;
  readonly creditLeft: number;
  readonly paidOrders: number;
  readonly distinctUsers: number;
  readonly seconds: number;
}

export interface CourseOptions {
  readonly url: string;
  readonly connections: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export async function courseScenario({ url, connections, random }: CourseOptions): Promise<CourseResult> {
  const [item = ""] = await created(url, ["/stock/item/create/1"], "item_id");
  await answers(url, "POST", [`/stock/add/${item}/${courseStock}`]);
  const users = await created(url, repeated("/payment/create_user", courseUsers), "user_id");
  await answers(
    url,
    "POST",
    users.map((user) => `/payment/add_funds/${user}/1`),
  );
  const buyers = Array.from({ length: courseOrders }, () => users[Math.floor(random() * users.length)] ?? "");
  const orderPaths = buyers.map((user) => `/orders/create/${user}`);
  const orders = await created(url, orderPaths, "order_id");
  await answers(
    url,
    "POST",
    orders.map((order) => `/orders/addItem/${order}/${item}/1`),
  );
  const { seconds, statuses } = await checkoutEach(orders, { url, connections });
  await allEnded(url);
  const count = (from: number, below: number): number =>
    statuses.filter((status) => status >= from && status < below).length;
  const succeeded = count(200, 300);
  const refused = count(400, 500);
  return {
    succeeded,
    refused,
    otherwise: courseOrders - succeeded - refused,
    stockLeft: await sum(url, [`/stock/find/${item}`], "stock"),
    creditLeft: await sum(
      url,
      users.map((user) => `/payment/find_user/${user}`),
      "credit",
    ),
    paidOrders: await sum(
      url,
      orders.map((order) => `/orders/find/${order}`),
      "paid",
    ),
    distinctUsers: new Set(buyers).size,
    seconds,
  };
}

/**
 * The status of the last answer to each order. An answer that is neither a success nor a refusal for lack of stock or
 * credit, such as pending or `contended`, is retried as often as a slow machine needs.
 */
async function checkoutEach(
  orders: readonly string[],
  { url, connections }: Pick<CourseOptions, "url" | "connections">,
): Promise<{ readonly seconds: number; readonly statuses: readonly number[] }> {
  const statuses = orders.map(() => 0);
  const deadline = performance.now() + clearDeadlineMs;
  let seconds = 0;
  let open: readonly number[] = [...orders.keys()];
  while (open.length > 0 && performance.now() < deadline) {
    const asked = open;
    const left: number[] = [];
    const onReply = (at: number, { status, body }: Reply): void => {
      const index = asked[at] ?? 0;
      statuses[index] = status;
      const isFinal = status < 300 || status >= 500 || isRefusal(body);
      if (!isFinal) left.push(index);
    };
    const paths = asked.map((index) => `/orders/checkout/${orders[index]}`);
    seconds += (await closedLoop({ url, connections, paths, onReply })).seconds;
    open = left;
  }
  return { seconds, statuses };
}

function isRefusal(body: string): boolean {
  return lacking.some((code) => body.includes(`"${code}"`));
}

/** The code of an answer that nothing was done, because the price did not arrive in time. */
const nothingDone = '"stock_unavailable"';
const clearDeadlineMs = 120_000;
const quietDeadlineMs = 120_000;

/** Connections that set up the scenario and read the results. */
const someConnections = 16;

/** The bodies of answers to requests that all must succeed, several at a time. */
async function answers(url: string, method: "GET" | "POST", paths: readonly string[]): Promise<readonly string[]> {
  const bodies: (string | undefined)[] = paths.map(() => undefined);
  const deadline = performance.now() + clearDeadlineMs;
  while (bodies.includes(undefined)) {
    const open = [...bodies.keys()].filter((index) => bodies[index] === undefined);
    const asked = open.map((index) => paths[index] ?? "");
    const onReply = (at: number, { status, body }: Reply): void => {
      const mayAskAgain = body.includes(nothingDone) && performance.now() < deadline;
      if (status === 200) bodies[open[at] ?? 0] = body;
      else if (!mayAskAgain) throw new Error(`${method} ${asked[at]} answered ${status}: ${body}`);
    };
    await closedLoop({ url, method, connections: Math.min(someConnections, open.length), paths: asked, onReply });
  }
  return bodies.map(String);
}

async function created(url: string, paths: readonly string[], field: string): Promise<readonly string[]> {
  return (await answers(url, "POST", paths)).map((body) => String(valueIn(body, field)));
}

async function sum(url: string, paths: readonly string[], field: string): Promise<number> {
  const bodies = await answers(url, "GET", paths);
  return bodies.reduce((total, body) => total + Number(valueIn(body, field)), 0);
}

/** @throws Error if a transaction is still unfinished after the deadline */
async function allEnded(url: string): Promise<void> {
  const client = new KeepAliveClient(url);
  const isQuiet = await untilQuiet(client, quietDeadlineMs);
  client.close();
  if (!isQuiet) throw new Error(`transactions are unfinished after ${quietDeadlineMs} ms`);
}

function repeated(path: string, times: number): readonly string[] {
  return Array.from({ length: times }, () => path);
}

function valueIn(body: string, field: string): unknown {
  return objectOf(body)[field];
}
