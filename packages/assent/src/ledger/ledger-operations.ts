// What a service does to its own accounts outside of transactions. Each is one atomic step.
import { operation, type Tables } from "../ports/index.ts";
import { invariant, type Json } from "../protocol/index.ts";
import { type Account, deposit, isAmount, newAccount, withdraw } from "./account.ts";
import { accountTable, readAccount, writeAccount } from "./account-table.ts";
import { addReplaced } from "./replaced-amounts.ts";

export type LedgerWrite =
  | { readonly kind: "ok"; readonly account: Account }
  | { readonly kind: "absent" }
  | { readonly kind: "insufficient"; readonly account: Account }
  /** The balance would exceed 2^53 − 1. */
  | { readonly kind: "too_large"; readonly account: Account };

/** Sums over all accounts, exact: deposited = available + held + spent + withdrawn. */
export type LedgerTotals = Readonly<
  Record<"accounts" | "available" | "held" | "spent" | "deposited" | "withdrawn", number>
>;

export interface SeedRequest {
  /** Accounts `"first"` to `"first + count − 1"` are replaced. */
  readonly first: number;
  readonly count: number;
  readonly generation: string;
  readonly available: number;
  readonly details: Json;
}

const auditChunk = 10_000;

export interface OpenAccountRequest {
  readonly accountId: string;
  readonly generation: string;
  readonly details: Json;
}

export interface AmountRequest {
  readonly accountId: string;
  readonly amount: number;
}

export const ledgerOperations = {
  openAccount: operation(
    "openAccount",
    (tables, { accountId, generation, details }: OpenAccountRequest): { readonly accountId: string } => {
      writeAccount(tables, accountId, newAccount(generation, 0, details));
      return { accountId };
    },
  ),

  findAccount: operation(
    "findAccount",
    (tables, { accountId }: { readonly accountId: string }): Account | null => readAccount(tables, accountId) ?? null,
  ),

  deposit: operation("deposit", (tables, request: AmountRequest): LedgerWrite =>
    change(tables, request, { move: deposit, failure: "too_large" }),
  ),

  withdraw: operation("withdraw", (tables, request: AmountRequest): LedgerWrite =>
    change(tables, request, { move: withdraw, failure: "insufficient" }),
  ),

  seed: operation("seed", (tables, { first, count, generation, available, details }: SeedRequest): null => {
    const account = newAccount(generation, available, details);
    for (let index = first; index < first + count; index += 1) replace(tables, String(index), account);
    return null;
  }),

  /** @throws RangeError where a number cannot hold a sum exactly: it is refused rather than rounded */
  totals: operation("totals", (tables): LedgerTotals => {
    const sums = { accounts: 0n, available: 0n, held: 0n, spent: 0n, deposited: 0n, withdrawn: 0n };
    let after: string | undefined;
    for (;;) {
      const page = tables.scan(accountTable, { ...(after !== undefined && { after }), limit: auditChunk });
      for (const [, account] of page) add(sums, account);
      after = page.at(-1)?.[0];
      if (page.length < auditChunk) return exact(sums);
    }
  }),
};

function replace(tables: Tables, accountId: string, account: Account): void {
  const former = readAccount(tables, accountId);
  if (former !== undefined) addReplaced(tables, accountId, former);
  writeAccount(tables, accountId, account);
}

function change(
  tables: Tables,
  { accountId, amount }: AmountRequest,
  {
    move,
    failure,
  }: {
    move: (account: Account, amount: number) => Account | undefined;
    failure: "insufficient" | "too_large";
  },
): LedgerWrite {
  invariant(isAmount(amount), "S3", `${amount} is not an amount`);
  const account = readAccount(tables, accountId);
  if (account === undefined) return { kind: "absent" };
  const next = move(account, amount);
  if (next === undefined) return { kind: failure, account };
  writeAccount(tables, accountId, next);
  return { kind: "ok", account: next };
}

const parts = ["accounts", "available", "held", "spent", "deposited", "withdrawn"] as const;

type Sums = { -readonly [Name in keyof LedgerTotals]: bigint };

function add(sums: Sums, account: Account): void {
  sums.accounts += 1n;
  for (const part of ["available", "held", "spent", "deposited", "withdrawn"] as const) {
    sums[part] += BigInt(account[part]);
  }
}

function exact(sums: Sums): LedgerTotals {
  const totals = { accounts: 0, available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
  for (const name of parts) {
    const sum = sums[name];
    if (sum > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${name} is ${sum} in all, which no number holds`);
    totals[name] = Number(sum);
  }
  return totals;
}
