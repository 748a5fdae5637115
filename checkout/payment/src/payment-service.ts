// Users: accounts of credit.
import { Problem, runKeyed, Seedings } from "@assent/contract";
import { ledgerOperations, type LedgerWrite } from "assent/ledger";
import type { Random } from "assent/internal/ports";
import { balanceMax } from "assent/internal/protocol";
import { type Executor, type OnceKey, probeOperations } from "assent/internal/engine";

export class PaymentService {
  readonly #store: Executor;
  readonly #random: Random;
  readonly #seedings;

  /** `store`: with the operations of `paymentOperations`. */
  constructor(options: { store: Executor; random: Random }) {
    this.#store = options.store;
    this.#random = options.random;
    this.#seedings = new Seedings(options.store);
  }

  async create(once?: OnceKey): Promise<string> {
    const input = { accountId: this.#random.name(), generation: this.#random.name(), details: null };
    return (await runKeyed(this.#store, once, { operation: ledgerOperations.openAccount, input })).accountId;
  }

  /** The user's credit. @throws {Problem} user_not_found */
  async find(userId: string): Promise<number> {
    const account = await this.#store.run(ledgerOperations.findAccount, { accountId: userId });
    if (account === null) throw notFound(userId);
    return account.available;
  }

  /** Returns the new credit. @throws {Problem} */
  async addFunds(userId: string, amount: number, once?: OnceKey): Promise<number> {
    if (amount === 0) return this.#addNothing(userId, once);
    return creditAfter(
      userId,
      await runKeyed(this.#store, once, { operation: ledgerOperations.deposit, input: { accountId: userId, amount } }),
    );
  }

  /** Returns the new credit. @throws {Problem} */
  async pay(userId: string, amount: number, once?: OnceKey): Promise<number> {
    const input = { accountId: userId, amount };
    return creditAfter(userId, await runKeyed(this.#store, once, { operation: ledgerOperations.withdraw, input }));
  }

  /** Replaces users 0 to count − 1. */
  async seed({ count, credit }: { count: number; credit: number }, once?: OnceKey): Promise<void> {
    const generation = this.#random.name();
    await this.#seedings.seed(once, {
      things: "users",
      count,
      call: (first, size) => ({
        operation: ledgerOperations.seed,
        input: { first, count: size, generation, available: credit, details: null },
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
  async #addNothing(userId: string, once: OnceKey | undefined): Promise<number> {
    const account = await runKeyed(this.#store, once, {
      operation: ledgerOperations.findAccount,
      input: { accountId: userId },
    });
    if (account === null) throw notFound(userId);
    return account.available;
  }
}

function notFound(userId: string): Problem {
  return new Problem("user_not_found", `User: ${userId} not found!`);
}

function creditAfter(userId: string, write: LedgerWrite): number {
  switch (write.kind) {
    case "ok":
      return write.account.available;
    case "absent":
      throw notFound(userId);
    case "insufficient":
      throw new Problem("insufficient_credit", `User: ${userId} credit cannot get reduced below zero!`);
    case "too_large":
      throw new Problem(
        "credit_too_large",
        `User: ${userId} cannot receive more than ${balanceMax} in total, including spent credit.`,
      );
  }
}
