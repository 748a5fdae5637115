// Items: accounts of stock, each with a price.
import { type AccountProblems, AccountService, type AccountServiceOptions, Problem } from "@assent/contract";
import type { Account } from "assent/ledger";
import { balanceMax } from "assent/internal/protocol";
import type { OnceKey } from "assent/internal/engine";

export interface Item {
  readonly stock: number;
  readonly price: number;
}

const problems: AccountProblems = {
  absent: (itemId) => new Problem("item_not_found", `Item: ${itemId} not found!`),
  insufficient: (itemId) => new Problem("insufficient_stock", `Item: ${itemId} stock cannot get reduced below zero!`),
  tooLarge: (itemId) =>
    new Problem(
      "stock_too_large",
      `Item: ${itemId} cannot receive more than ${balanceMax} in total, including sold units.`,
    ),
};

export class StockService extends AccountService {
  /** `store`: with the operations of `stockOperations`. */
  constructor(options: AccountServiceOptions) {
    super(options, problems);
  }

  create(price: number, once?: OnceKey): Promise<string> {
    return this.open({ price }, once);
  }

  /** @throws {Problem} item_not_found */
  async find(itemId: string): Promise<Item> {
    const account = await this.account(itemId);
    return { stock: account.available, price: priceOf(account) };
  }

  /** Returns the new stock. @throws {Problem} */
  add(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    return this.deposit(itemId, amount, once);
  }

  /** Returns the new stock. @throws {Problem} */
  subtract(itemId: string, amount: number, once?: OnceKey): Promise<number> {
    return this.withdraw(itemId, amount, once);
  }

  /** Replaces items 0 to count − 1. */
  seed({ count, stock, price }: Item & { count: number }, once?: OnceKey): Promise<void> {
    return this.replace({ things: "items", count, available: stock, details: { price } }, once);
  }
}

/** Queries of other services about an item. */
export function priceOf(account: Account): number {
  // `create` and `seed` write nothing else.
  return (account.details as { price: number }).price;
}
