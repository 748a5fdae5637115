// An account: an amount that is available, held by prepared branches, or spent. Pure, and the same for stock and money.
//
// S2  deposited = available + held + spent + withdrawn
// S3  no part is ever negative
import { amountMax, amountMin, balanceMax, invariant, type Json } from "../protocol/index.ts";

export interface Account {
  /** New at every creation and re-seeding: branches of an earlier generation cannot touch this one. */
  readonly generation: string;
  readonly available: number;
  readonly held: number;
  readonly spent: number;
  readonly deposited: number;
  readonly withdrawn: number;
  /** The service's own, such as a price. */
  readonly details: Json;
}

export function newAccount(generation: string, deposited: number, details: Json): Account {
  return checked({ generation, available: deposited, held: 0, spent: 0, deposited, withdrawn: 0, details });
}

/** Undefined where the balance would exceed 2^53 − 1. */
export function deposit(account: Account, amount: number): Account | undefined {
  if (account.deposited + amount > balanceMax) return undefined;
  return moved(account, { available: amount, deposited: amount });
}

/** Undefined where too little is available. */
export function withdraw(account: Account, amount: number): Account | undefined {
  return account.available < amount ? undefined : moved(account, { available: -amount, withdrawn: amount });
}

/** Reserves an amount that is available. */
export function hold(account: Account, amount: number): Account {
  return moved(account, { available: -amount, held: amount });
}

/** Spends a reserved amount. */
export function spendHeld(account: Account, amount: number): Account {
  return moved(account, { held: -amount, spent: amount });
}

/** Gives a reserved amount back. */
export function releaseHeld(account: Account, amount: number): Account {
  return moved(account, { held: -amount, available: amount });
}

/** Spends an amount that is available. */
export function spend(account: Account, amount: number): Account {
  return moved(account, { available: -amount, spent: amount });
}

/** Undoes a spending. */
export function refund(account: Account, amount: number): Account {
  return moved(account, { spent: -amount, available: amount });
}

/** Whether an amount may be moved at all: a whole number from 1 to 10^12. */
export function isAmount(amount: unknown): amount is number {
  return Number.isSafeInteger(amount) && Number(amount) >= amountMin && Number(amount) <= amountMax;
}

type Movement = Partial<Record<"available" | "held" | "spent" | "deposited" | "withdrawn", number>>;

function moved(account: Account, movement: Movement): Account {
  return checked({
    ...account,
    available: account.available + (movement.available ?? 0),
    held: account.held + (movement.held ?? 0),
    spent: account.spent + (movement.spent ?? 0),
    deposited: account.deposited + (movement.deposited ?? 0),
    withdrawn: account.withdrawn + (movement.withdrawn ?? 0),
  });
}

function checked(account: Account): Account {
  const { available, held, spent, deposited, withdrawn } = account;
  const parts = [available, held, spent, withdrawn, deposited];
  const isWhole = parts.every((part) => Number.isSafeInteger(part) && part >= 0) && deposited <= balanceMax;
  invariant(isWhole, "S3", `an account would hold ${JSON.stringify(account)}`);
  invariant(deposited === available + held + spent + withdrawn, "S2", `money made or lost: ${JSON.stringify(account)}`);
  return account;
}
