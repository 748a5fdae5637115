// The suite of the port `BranchStore`, seen through a ledger whose accounts show what really happened.
import type { LedgerAdapter } from "./adapters.ts";
import { branchAgeCases } from "./branch-age-cases.ts";
import { branchCases } from "./branch-cases.ts";
import { type Open, register, type Suite } from "./suite.ts";

export const branchStoreCases: Suite<LedgerAdapter> = {
  name: "BranchStore",
  cases: [...branchCases, ...branchAgeCases],
};

/** Registers the tests of a branch store for an adapter. */
export function branchStoreSuite(open: Open<LedgerAdapter>): void {
  register(branchStoreCases, open);
}
