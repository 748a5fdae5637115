// Items: accounts of stock, each with a price.
import { Problem, runKeyed, Seedings } from "@assent/contract";
import { type Account, ledgerOperations, type LedgerWrite } from "assent/ledger";
import type { Random } from "assent/internal/ports";
import { balanceMax } from "assent/internal/protocol";
import { type Executor, type OnceKey, probeOperations } from "assent/internal/engine";

export interface Item {
  readonly stock: number;
  readonly price: number;
}

export class StockService {
  readonly #store: Executor;
  readonly #random: Random;
  readonly #seedings;

  /** `store`: with the operations of `stockOperations`. */
  constructor(options: { store: Executor; random: Random }) {
    this.#store = options.store;
    this.#random = options.random;
    this.#seedings = new Seedings(options.store);
  }

  async create(price: number, once?: OnceKey): Promise<string> {
    const input = { accountId: this.#random.name(), generation: this.#random.name(), details: { price } };
    return (await runKeyed(this.#store, once, { operation: ledgerOperations.openAccount, input })).accountId;
  }

  /** @throws {Problem} item_not_found */
  async find(itemId: string): Promise<Item> {
    const account = await this.#store.run(ledgerOperations.findAccount, { accountId: itemId });
    if (account === null) throw notFound(itemId);
    return { stock: account.available, price: priceOf(account) };
  }

  /** Returns the new stock. @throws {Problem} */
  async add(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    if (amount === 0) return this.#addNothing(itemId, once);
    return stockAfter(
      itemId,
      await runKeyed(this.#store, once, { operation: ledgerOperations.deposit, input: { accountId: itemId, amount } }),
    );
  }

  /** Returns the new stock. @throws {Problem} */
  async subtract(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    const input = { accountId: itemId, amount };
    return stockAfter(itemId, await runKeyed(this.#store, once, { operation: ledgerOperations.withdraw, input }));
  }

  /** Replaces items 0 to count − 1. */
  async seed({ count, stock, price }: Item & { count: number }, once?: OnceKey): Promise<void> {
    const generation = this.#random.name();
    await this.#seedings.seed(once, {
      things: "items",
      count,
      call: (first, size) => ({
        operation: ledgerOperations.seed,
        input: { first, count: size, generation, available: stock, details: { price } },
      }),
    });
  }

  /** Interrupts a running seeding; its response reports its progress. */
  stopSeeding(): void {
    this.#seedings.stop();
  }

  /** Resolves if the store answers and accepts writes. */
  async ping(): Promise<void> {
    await this.#store.run(probeOperations.probe, null);
  }

  /** A ledger does not move zero, but it is not an error either: a repeat with a key works as for other amounts. */
  async #addNothing(itemId: string, once: OnceKey | undefined): Promise<number> {
    const account = await runKeyed(this.#store, once, {
      operation: ledgerOperations.findAccount,
      input: { accountId: itemId },
    });
    if (account === null) throw notFound(itemId);
    return account.available;
  }
}

/** Queries of other services about an item. */
export function priceOf(account: Account): number {
  return (account.details as { price: number }).price;
}

function notFound(itemId: string): Problem {
  return new Problem("item_not_found", `Item: ${itemId} not found!`);
}

function stockAfter(itemId: string, write: LedgerWrite): number {
  switch (write.kind) {
    case "ok":
      return write.account.available;
    case "absent":
      throw notFound(itemId);
    case "insufficient":
      throw new Problem("insufficient_stock", `Item: ${itemId} stock cannot get reduced below zero!`);
    case "too_large":
      throw new Problem(
        "stock_too_large",
        `Item: ${itemId} cannot receive more than ${balanceMax} in total, including sold units.`,
      );
  }
}
