/** Accounts with available, held and spent amounts: the one escrow ledger that stock and payment both are. @module */
export * from "./account.ts";
export { accountTable, readAccount } from "./account-table.ts";
export * from "./ledger-handler.ts";
export * from "./ledger-operations.ts";
export { accountsReplacedTable, readReplaced, type ReplacedAmounts } from "./replaced-amounts.ts";
export * from "./waiting-line.ts";
