// The course's consistency scenario: one item with a stock of 100 at price 1; 1,000 users with a credit of 1; 1,000
// orders, each of a user drawn at random with replacement; all checked out. Exactly 100 may succeed.
import { closedLoop } from "./closed-loop.ts";
import { KeepAliveClient } from "./keep-alive-client.ts";
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
  const client = new Caller(url);
  const item = await client.create("/stock/item/create/1", "item_id");
  await client.post(`/stock/add/${item}/${courseStock}`);
  const users: string[] = [];
  for (let count = 0; count < courseUsers; count += 1) {
    const user = await client.create("/payment/create_user", "user_id");
    await client.post(`/payment/add_funds/${user}/1`);
    users.push(user);
  }
  const orders: string[] = [];
  const drawn = new Set<string>();
  for (let count = 0; count < courseOrders; count += 1) {
    const user = users[Math.floor(random() * users.length)] ?? "";
    drawn.add(user);
    const order = await client.create(`/orders/create/${user}`, "order_id");
    await client.post(`/orders/addItem/${order}/${item}/1`);
    orders.push(order);
  }
  const { seconds, statuses } = await checkoutEach(orders, { url, connections });
  await client.untilQuiet();
  const count = (from: number, below: number): number =>
    statuses.filter((status) => status >= from && status < below).length;
  const succeeded = count(200, 300);
  const refused = count(400, 500);
  return {
    succeeded,
    refused,
    otherwise: courseOrders - succeeded - refused,
    stockLeft: await client.number(`/stock/find/${item}`, "stock"),
    creditLeft: await client.sum(
      users.map((user) => `/payment/find_user/${user}`),
      "credit",
    ),
    paidOrders: await client.sum(
      orders.map((order) => `/orders/find/${order}`),
      "paid",
    ),
    distinctUsers: drawn.size,
    seconds,
  };
}

/** The status of the answer to each order; an answer that is pending is no answer, and is asked for again. */
async function checkoutEach(
  orders: readonly string[],
  { url, connections }: Pick<CourseOptions, "url" | "connections">,
): Promise<{ readonly seconds: number; readonly statuses: readonly number[] }> {
  const statuses = orders.map(() => pendingStatus);
  const deadline = performance.now() + clearDeadlineMs;
  let seconds = 0;
  while (statuses.includes(pendingStatus) && performance.now() < deadline) {
    const open = [...statuses.keys()].filter((index) => statuses[index] === pendingStatus);
    const run = await closedLoop({
      url,
      connections,
      paths: open.map((index) => `/orders/checkout/${orders[index]}`),
      onReply: (at, { status }) => (statuses[open[at] ?? 0] = status),
    });
    seconds += run.seconds;
  }
  return { seconds, statuses };
}

const pendingStatus = 409;
/** The code of an answer that says that nothing was done, because the price was not told in time. */
const nothingDone = '"stock_unavailable"';
const clearDeadlineMs = 120_000;
const quietDeadlineMs = 120_000;

/** Calls that must succeed. */
class Caller {
  readonly #client: KeepAliveClient;

  constructor(url: string) {
    this.#client = new KeepAliveClient(url);
  }

  async post(path: string): Promise<string> {
    return this.#call("POST", path);
  }

  async create(path: string, field: string): Promise<string> {
    return String(fieldOf(await this.post(path), field));
  }

  async number(path: string, field: string): Promise<number> {
    return Number(fieldOf(await this.#call("GET", path), field));
  }

  async sum(paths: readonly string[], field: string): Promise<number> {
    let sum = 0;
    for (const path of paths) sum += await this.number(path, field);
    return sum;
  }

  /** @throws Error when a transaction is still unfinished after the deadline */
  async untilQuiet(): Promise<void> {
    if (!(await untilQuiet(this.#client, quietDeadlineMs)))
      throw new Error(`transactions are unfinished after ${quietDeadlineMs} ms`);
  }

  async #call(method: "GET" | "POST", path: string): Promise<string> {
    for (const deadline = performance.now() + clearDeadlineMs; ;) {
      const { status, body } = await this.#client.request(method, path);
      if (status === 200) return body;
      const mayAskAgain = body.includes(nothingDone) && performance.now() < deadline;
      if (!mayAskAgain) throw new Error(`${method} ${path} answered ${status}: ${body}`);
    }
  }
}

function fieldOf(body: string, field: string): unknown {
  return (JSON.parse(body) as Record<string, unknown>)[field];
}
