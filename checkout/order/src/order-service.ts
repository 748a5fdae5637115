// Operations on orders. The whole state of an order, paid or not, is one row next to the transaction log.
import { orderOf } from "./order-row.ts";
import { doneOf, isProblemCode, Problem, runKeyed, Seedings } from "@assent/contract";
import { type Orchestrator, unfinishedRecords } from "assent/internal/coordinator";
import { type Random, type Row, type RowChange, type RowWrite, type TransactionLog } from "assent/internal/ports";
import type { Json, JsonObject } from "assent/internal/protocol";
import { type Executor, type OnceKey, onceOperations, probeOperations, rowOperations } from "assent/internal/engine";
import { checkout } from "./checkout.ts";
import { emptyOrder, type OrderFields, orderEntriesMax, orderTotalMax, orderUnitsMax } from "./order.ts";
import { seedOrders } from "./replaced-purchases.ts";

/** The price of an item, or undefined if the item does not exist. Rejects if stock does not answer. */
export type PriceLookup = (itemId: string) => Promise<number | undefined>;

export interface OrderServiceOptions {
  readonly orchestrator: Orchestrator;
  /** With the operations of `orderOperations`. */
  readonly store: Executor;
  readonly log: TransactionLog;
  readonly priceOf: PriceLookup;
  readonly random: Random;
}

export interface Order extends OrderFields {
  readonly id: string;
  readonly paid: boolean;
}

export interface AddItemRequest {
  readonly orderId: string;
  readonly itemId: string;
  readonly quantity: number;
}

export interface SeedOrders {
  readonly count: number;
  readonly items: number;
  readonly users: number;
  readonly itemPrice: number;
}

/** Number of unfinished transactions searched for parked ones, and of parked ones shown. */
const parkedScanMax = 10_000;
const parkedShownMax = 10;

export class OrderService {
  readonly #options: OrderServiceOptions;
  readonly #seedings;

  constructor(options: OrderServiceOptions) {
    this.#options = options;
    this.#seedings = new Seedings(options.store);
  }

  async create(userId: string, once?: OnceKey): Promise<string> {
    const { store, random } = this.#options;
    const input = { key: random.name(), incarnation: random.name(), fields: emptyOrder(userId) };
    return (await runKeyed(store, once, { operation: rowOperations.putRow, input })).key;
  }

  /** @throws {Problem} order_not_found */
  async find(orderId: string): Promise<Order> {
    const row = await this.#options.store.run(rowOperations.readRow, { key: orderId });
    if (row === null) throw notFound(orderId);
    return { id: orderId, paid: row.outcome === "committed", ...orderOf(row) };
  }

  /** Returns the order's new total. @throws {Problem} */
  async addItem(request: AddItemRequest, once?: OnceKey): Promise<number> {
    const { orderId } = request;
    const write = await this.#add(request, once);
    if (write.kind === "absent") throw notFound(orderId);
    if (write.kind === "unmet") throw closedOrFull(write.row);
    return Number(write.row.fields["total"]);
  }

  /** Pays the order, or reports why not. @throws {Problem} */
  async checkout(orderId: string): Promise<void> {
    const result = await this.#options.orchestrator.run(checkout, { key: orderId, fromRow: true });
    switch (result.kind) {
      case "committed":
        return;
      case "aborted":
        throw checkoutFailed(orderId, result.reason);
      case "absent":
        throw notFound(orderId);
      case "key_reused":
        throw new Problem("key_reused", `Order: ${orderId} belongs to ${result.definition}. Nothing was done.`);
      case "unmet":
        throw new Problem("order_empty", "Order has no items");
      case "pending":
        throw checkoutPending(result.retryAfterMs);
      case "store_unavailable":
        throw new Problem("store_unavailable", "Orders cannot be written now. Nothing was started; try again later.", {
          retryAfterMs: result.retryAfterMs,
        });
      case "overloaded":
        throw new Problem("overloaded", "Too many concurrent checkouts. This one was not started; try again later.", {
          retryAfterMs: result.retryAfterMs,
        });
      case "service_unavailable":
        throw new Problem(
          result.service === "stock" ? "service_stock_unavailable" : "service_payment_unavailable",
          `Checkout failed: ${result.service} does not answer. Nothing was started; try again later.`,
          { retryAfterMs: result.retryAfterMs },
        );
    }
  }

  /** Replaces orders 0 to count − 1, each of a random user with two random items, one of each. */
  async seed({ count, items, users, itemPrice }: SeedOrders, once?: OnceKey): Promise<void> {
    const { random } = this.#options;
    const draw = (below: number): string => String(Math.floor(random.uniform() * below));
    const incarnation = random.name();
    await this.#seedings.seed(once, {
      things: "orders",
      count,
      call: (first, size) => ({
        operation: seedOrders,
        input: {
          incarnation,
          rows: Array.from({ length: size }, (_, index): [string, JsonObject] => {
            const bought: Json = [
              [draw(items), 1],
              [draw(items), 1],
            ];
            return [
              String(first + index),
              { user: draw(users), items: bought, total: 2 * itemPrice, units: 2, entries: 2 },
            ];
          }),
        },
      }),
    });
  }

  /** Transactions that cannot be finished now, newest first, and the number of all unfinished ones. */
  async parked(): Promise<{ count: number; latest: Record<string, unknown>[]; unfinished: number }> {
    const unfinished = await unfinishedRecords(this.#options.log, parkedScanMax);
    const parked = unfinished.filter((record) => record.parked !== undefined);
    parked.sort((a, b) => (b.parked?.since ?? 0) - (a.parked?.since ?? 0));
    const latest = parked.slice(0, parkedShownMax).map(({ txId, key, protocol, state, parked: note }) => ({
      id: txId,
      order_id: key,
      protocol,
      state,
      ...note,
    }));
    return { count: parked.length, latest, unfinished: unfinished.length };
  }

  /** Interrupts a running seeding; its response reports its progress. */
  stopSeeding(): void {
    this.#seedings.stop();
  }

  /** Resolves if the store answers and accepts writes. */
  async ping(): Promise<void> {
    await this.#options.store.run(probeOperations.probe, null);
  }

  /** A repeat gets the first answer, even if the item is gone since, or stock does not answer. @throws {Problem} */
  async #add({ orderId, itemId, quantity }: AddItemRequest, once: OnceKey | undefined): Promise<RowWrite> {
    const { store } = this.#options;
    let price: number;
    try {
      price = await this.#priceOf(itemId);
    } catch (error) {
      const stored = once === undefined ? null : await store.run(onceOperations.findOnce, once);
      if (stored === null) throw error;
      // The key is of this request, so its result is that of `changeRow`.
      return doneOf(stored) as unknown as RowWrite;
    }
    const input = { key: orderId, change: addition(itemId, quantity, price) };
    return runKeyed(store, once, { operation: rowOperations.changeRow, input });
  }

  /** @throws {Problem} item_not_found */
  async #priceOf(itemId: string): Promise<number> {
    const price = await this.#options.priceOf(itemId);
    if (price === undefined) throw new Problem("item_not_found", `Item: ${itemId} does not exist!`);
    return price;
  }
}

function addition(itemId: string, quantity: number, price: number): RowChange {
  // A higher total is capped at one over the limit: enough to be refused, and still an exact number.
  const cost = Math.min(price * quantity, orderTotalMax + 1);
  return {
    expect: [
      { field: "total", atMost: orderTotalMax - cost },
      { field: "units", atMost: orderUnitsMax - quantity },
      { field: "entries", atMost: orderEntriesMax - 1 },
    ],
    increment: { total: cost, units: quantity, entries: 1 },
    append: { items: [itemId, quantity] },
  };
}

export function checkoutPending(retryAfterMs: number): Problem {
  const message = "The outcome of this checkout is not known yet. Repeat the request: it will not be charged twice.";
  return new Problem("checkout_pending", message, { retryAfterMs });
}

/** Seeding replaces orders in any state, even during their checkout: the order gets a new incarnation. */
function checkoutFailed(orderId: string, reason: string): Problem {
  const replaced =
    `. Order: ${orderId} was replaced by batch_init while it was being checked out. ` +
    "Nothing was charged for it; check out the new order.";
  const code = isProblemCode(reason) ? reason : "checkout_failed";
  return new Problem(code, `Checkout failed: ${reason}${reason === "row_changed" ? replaced : ""}`);
}

function notFound(orderId: string): Problem {
  return new Problem("order_not_found", `Order: ${orderId} not found!`);
}

function closedOrFull(row: Row): Problem {
  switch (row.outcome) {
    case "committed":
      return new Problem("order_paid", `Order: ${row.key} is paid; nothing can be added.`);
    case "pending":
      return new Problem("order_in_checkout", `Order: ${row.key} is being checked out; nothing can be added now.`);
    case "none":
    case "aborted":
      return new Problem(
        "order_too_large",
        `An order has at most ${orderEntriesMax} items, ${orderUnitsMax} units and a total of ${orderTotalMax}.`,
      );
  }
}
