// Accounts of a ledger (S2, S3): what the adapter under test lets a service do to them outside of transactions.
import type { Account, LedgerTotals, LedgerWrite, SeedRequest } from "assent/ledger";
import { amountMax, balanceMax } from "assent/internal/protocol";
import type { Accounts } from "../adapters.ts";
import { Rejected, type Synchronous } from "./call.ts";

const parts = ["available", "held", "spent", "deposited", "withdrawn"] as const;

export type Movement = Partial<Record<(typeof parts)[number], number>>;

export class ModelAccounts implements Synchronous<Accounts> {
  readonly all = new Map<string, Account>();

  seed({ first, count, generation, available, details }: SeedRequest): undefined {
    if (available < 0) throw new Rejected("S3");
    const account = { generation, available, held: 0, spent: 0, deposited: available, withdrawn: 0, details };
    for (let id = first; id < first + count; id += 1) this.all.set(String(id), account);
  }

  open({ accountId, generation, details }: { accountId: string; generation: string; details: null }): undefined {
    const nothing = { available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
    this.all.set(accountId, { generation, ...nothing, details });
  }

  /** An account that is there. */
  get(accountId: string): Account {
    const account = this.all.get(accountId);
    if (account === undefined) throw new Error(`the model has no account ${accountId}`);
    return account;
  }

  find(accountId: string): Account | undefined {
    return this.all.get(accountId);
  }

  deposit(accountId: string, amount: number): LedgerWrite {
    if (!isAmount(amount)) throw new Rejected("S3");
    const account = this.all.get(accountId);
    if (account === undefined) return { kind: "absent" };
    const next = afterMovement(account, { available: amount, deposited: amount });
    if (next === undefined || next.deposited > balanceMax) return { kind: "too_large", account };
    return this.#written(accountId, next);
  }

  withdraw(accountId: string, amount: number): LedgerWrite {
    if (!isAmount(amount)) throw new Rejected("S3");
    const account = this.all.get(accountId);
    if (account === undefined) return { kind: "absent" };
    const next = afterMovement(account, { available: -amount, withdrawn: amount });
    return next === undefined ? { kind: "insufficient", account } : this.#written(accountId, next);
  }

  totals(): LedgerTotals {
    const all = [...this.all.values()];
    const sums = parts.map((part) => [part, all.reduce((sum, account) => sum + account[part], 0)] as const);
    return { accounts: all.length, ...(Object.fromEntries(sums) as Record<(typeof parts)[number], number>) };
  }

  #written(accountId: string, account: Account): LedgerWrite {
    this.all.set(accountId, account);
    return { kind: "ok", account };
  }
}

/** The account afterwards; undefined where a part would be negative (S3). */
export function afterMovement(account: Account, movement: Movement): Account | undefined {
  const next = { ...account };
  for (const part of parts) next[part] += movement[part] ?? 0;
  return parts.some((part) => next[part] < 0) ? undefined : next;
}

export function isAmount(amount: unknown): amount is number {
  return typeof amount === "number" && Number.isInteger(amount) && amount >= 1 && amount <= amountMax;
}
