// Accounts as the ledger stores them.
import type { Tables } from "../ports/index.ts";
import type { Account } from "./account.ts";

export const accountTable = "accounts";

export function readAccount(tables: Tables, accountId: string): Account | undefined {
  return tables.get(accountTable, accountId) as Account | undefined;
}

export function writeAccount(tables: Tables, accountId: string, account: Account): void {
  tables.put(accountTable, accountId, account as never);
}
