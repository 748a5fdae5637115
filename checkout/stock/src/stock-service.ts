// Items: accounts of stock, each with a price.
import { Problem, runKeyed, Seedings } from "@assent/contract";
import type { Account, LedgerWrite } from "assent/ledger";
import type { Random } from "assent/internal/ports";
import { balanceMax } from "assent/internal/protocol";
import type { OnceKey } from "assent/internal/engine";
import type { StockStore } from "./stock-store.ts";

export interface Item {
  readonly stock: number;
  readonly price: number;
}

export class StockService {
  readonly #store: StockStore;
  readonly #random: Random;
  readonly #seedings;

  constructor(options: { store: StockStore; random: Random }) {
    this.#store = options.store;
    this.#random = options.random;
    this.#seedings = new Seedings(options.store);
  }

  async create(price: number, once?: OnceKey): Promise<string> {
    const args = { accountId: this.#random.name(), generation: this.#random.name(), details: { price } };
    return (await runKeyed(this.#store, once, { name: "openAccount", args })).accountId;
  }

  /** @throws {Problem} item_not_found */
  async find(itemId: string): Promise<Item> {
    const account = await this.#store.run("findAccount", { accountId: itemId });
    if (account === null) throw notFound(itemId);
    return { stock: account.available, price: priceOf(account) };
  }

  /** Returns the new stock. @throws {Problem} */
  async add(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    if (amount === 0) return this.#addNothing(itemId, once);
    return stockAfter(
      itemId,
      await runKeyed(this.#store, once, { name: "deposit", args: { accountId: itemId, amount } }),
    );
  }

  /** Returns the new stock. @throws {Problem} */
  async subtract(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    const args = { accountId: itemId, amount };
    return stockAfter(itemId, await runKeyed(this.#store, once, { name: "withdraw", args }));
  }

  /** Replaces items 0 to count − 1. */
  async seed({ count, stock, price }: Item & { count: number }, once?: OnceKey): Promise<void> {
    const generation = this.#random.name();
    await this.#seedings.seed(once, {
      things: "items",
      count,
      call: (first, size) => ({
        name: "seed",
        args: { first, count: size, generation, available: stock, details: { price } },
      }),
    });
  }

  /** Interrupts a running seeding; its response reports its progress. */
  stopSeeding(): void {
    this.#seedings.stop();
  }

  /** Resolves if the store answers and accepts writes. */
  async ping(): Promise<void> {
    await this.#store.run("probe", null);
  }

  /** A ledger does not move zero, but it is not an error either: a repeat with a key works as for other amounts. */
  async #addNothing(itemId: string, once: OnceKey | undefined): Promise<number> {
    const account = await runKeyed(this.#store, once, { name: "findAccount", args: { accountId: itemId } });
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
