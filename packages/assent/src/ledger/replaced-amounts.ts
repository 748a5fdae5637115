// What the earlier generations of an account have spent and still hold. Seeding replaces an account, but payments from
// it stay paid: without these amounts the books could no longer be compared with the paid orders.
import { table, type Table, type Tables } from "../ports/index.ts";
import type { Account } from "./account.ts";

/** Exact, however often an account is seeded again. */
export interface ReplacedAmounts {
  readonly spent: bigint;
  /** Held by branches of earlier generations that are not settled yet. */
  readonly held: bigint;
}

interface StoredAmounts {
  readonly spent: string;
  readonly held: string;
}

export const accountsReplacedTable: Table<StoredAmounts> = table("accounts_replaced", "records");

const nothing: ReplacedAmounts = { spent: 0n, held: 0n };

export function readReplaced(tables: Pick<Tables, "get">, accountId: string): ReplacedAmounts {
  const stored = tables.get(accountsReplacedTable, accountId);
  return stored === undefined ? nothing : { spent: BigInt(stored.spent), held: BigInt(stored.held) };
}

/** Call it in the step that writes the next generation. */
export function addReplaced(tables: Tables, accountId: string, { spent, held }: Account): void {
  if (spent === 0 && held === 0) return;
  move(tables, accountId, { spent: BigInt(spent), held: BigInt(held) });
}

/** A branch of a earlier generation spends what it held. */
export function spendReplaced(tables: Tables, accountId: string, amount: number): void {
  move(tables, accountId, { spent: BigInt(amount), held: -BigInt(amount) });
}

/** A branch of a earlier generation releases its hold. The next generation of the account gets nothing back. */
export function releaseReplaced(tables: Tables, accountId: string, amount: number): void {
  move(tables, accountId, { spent: 0n, held: -BigInt(amount) });
}

/** A branch of a earlier generation undoes its spending. */
export function refundReplaced(tables: Tables, accountId: string, amount: number): void {
  move(tables, accountId, { spent: -BigInt(amount), held: 0n });
}

/** Earlier versions did not record what they replaced: nothing is subtracted for that. */
function move(tables: Tables, accountId: string, movement: ReplacedAmounts): void {
  const before = readReplaced(tables, accountId);
  const [spent, held] = [before.spent + movement.spent, before.held + movement.held];
  if (spent < 0n || held < 0n) return;
  tables.put(accountsReplacedTable, accountId, { spent: String(spent), held: String(held) });
}
