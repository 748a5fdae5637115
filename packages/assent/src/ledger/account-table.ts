// Accounts as the ledger stores them.
import { type ScannedTable, table, type Tables } from "../ports/index.ts";
import type { Account } from "./account.ts";

export const accountTable: ScannedTable<Account> = table("accounts", "ordered");

export function readAccount(tables: Tables, accountId: string): Account | undefined {
  return tables.get(accountTable, accountId);
}

export function writeAccount(tables: Tables, accountId: string, account: Account): void {
  tables.put(accountTable, accountId, account);
}
