// What items of stock and users with credit have in common: they are accounts of a ledger, changed at most once for
// each key of a request. The name of such an account, its details and the texts of refusals belong to the room of each
// service.
import { type Account, ledgerOperations, type LedgerWrite } from "assent/ledger";
import { type Executor, type OnceKey, probeOperations } from "assent/internal/engine";
import type { Random } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { runKeyed } from "./idempotency-key.ts";
import type { Problem } from "./problem.ts";
import { Seedings } from "./seeding.ts";

export interface AccountServiceOptions {
  /** With the operations of the ledger, of keyed requests and of the probe. */
  readonly store: Executor;
  readonly random: Random;
}

/** What a service says of an account. */
export interface AccountProblems {
  readonly absent: (accountId: string) => Problem;
  readonly insufficient: (accountId: string) => Problem;
  readonly tooLarge: (accountId: string) => Problem;
}

export interface AccountSeed {
  /** Such as `users`. */
  readonly things: string;
  /** Accounts 0 to count − 1 are replaced. */
  readonly count: number;
  readonly available: number;
  readonly details: Json;
}

export abstract class AccountService {
  readonly #store: Executor;
  readonly #random: Random;
  readonly #problems: AccountProblems;
  readonly #seedings: Seedings;

  constructor({ store, random }: AccountServiceOptions, problems: AccountProblems) {
    this.#store = store;
    this.#random = random;
    this.#problems = problems;
    this.#seedings = new Seedings(store);
  }

  /** Returns the id of the new account. */
  protected async open(details: Json, once: OnceKey | undefined): Promise<string> {
    const input = { accountId: this.#random.name(), generation: this.#random.name(), details };
    return (await runKeyed(this.#store, once, { operation: ledgerOperations.openAccount, input })).accountId;
  }

  /** @throws {Problem} */
  protected async account(accountId: string, once?: OnceKey): Promise<Account> {
    const account = await runKeyed(this.#store, once, {
      operation: ledgerOperations.findAccount,
      input: { accountId },
    });
    if (account === null) throw this.#problems.absent(accountId);
    return account;
  }

  /** Returns the available amount afterwards. @throws {Problem} */
  protected async deposit(accountId: string, amount: number, once: OnceKey | undefined): Promise<number> {
    // A ledger does not move zero, but it is not an error either: a repeat with a key works as for other amounts.
    if (amount === 0) return (await this.account(accountId, once)).available;
    const input = { accountId, amount };
    return this.#after(accountId, await runKeyed(this.#store, once, { operation: ledgerOperations.deposit, input }));
  }

  /** Returns the available amount afterwards. @throws {Problem} */
  protected async withdraw(accountId: string, amount: number, once: OnceKey | undefined): Promise<number> {
    const input = { accountId, amount };
    return this.#after(accountId, await runKeyed(this.#store, once, { operation: ledgerOperations.withdraw, input }));
  }

  protected async replace({ things, count, ...account }: AccountSeed, once: OnceKey | undefined): Promise<void> {
    const generation = this.#random.name();
    await this.#seedings.seed(once, {
      things,
      count,
      call: (first, size) => ({
        operation: ledgerOperations.seed,
        input: { first, count: size, generation, ...account },
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

  #after(accountId: string, write: LedgerWrite): number {
    switch (write.kind) {
      case "ok":
        return write.account.available;
      case "absent":
        throw this.#problems.absent(accountId);
      case "insufficient":
        throw this.#problems.insufficient(accountId);
      case "too_large":
        throw this.#problems.tooLarge(accountId);
    }
  }
}
