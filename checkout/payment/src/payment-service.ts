// Users: accounts of credit.
import { type AccountProblems, AccountService, type AccountServiceOptions, Problem } from "@assent/contract";
import { balanceMax } from "assent/internal/protocol";
import type { OnceKey } from "assent/internal/engine";

const problems: AccountProblems = {
  absent: (userId) => new Problem("user_not_found", `User: ${userId} not found!`),
  insufficient: (userId) => new Problem("insufficient_credit", `User: ${userId} credit cannot get reduced below zero!`),
  tooLarge: (userId) =>
    new Problem(
      "credit_too_large",
      `User: ${userId} cannot receive more than ${balanceMax} in total, including spent credit.`,
    ),
};

export class PaymentService extends AccountService {
  /** `store`: with the operations of `paymentOperations`. */
  constructor(options: AccountServiceOptions) {
    super(options, problems);
  }

  create(once?: OnceKey): Promise<string> {
    return this.open(null, once);
  }

  /** The user's credit. @throws {Problem} user_not_found */
  async find(userId: string): Promise<number> {
    return (await this.account(userId)).available;
  }

  /** Returns the new credit. @throws {Problem} */
  addFunds(userId: string, amount: number, once?: OnceKey): Promise<number> {
    return this.deposit(userId, amount, once);
  }

  /** Returns the new credit. @throws {Problem} */
  pay(userId: string, amount: number, once?: OnceKey): Promise<number> {
    return this.withdraw(userId, amount, once);
  }

  /** Replaces users 0 to count − 1. */
  seed({ count, credit }: { count: number; credit: number }, once?: OnceKey): Promise<void> {
    return this.replace({ things: "users", count, available: credit, details: null }, once);
  }
}
