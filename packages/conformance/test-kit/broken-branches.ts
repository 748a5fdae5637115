// What broken branch stores have in common.
import type { KeyedAdapter } from "@assent/conformance";
import type { Tables } from "assent/internal/ports";
import type { BranchRecord, Command } from "assent/internal/protocol";
import { type Break, brokenStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

export function brokenBranch(
  that: string,
  change: Break,
  caughtBy: Broken<KeyedAdapter>["caughtBy"],
): Broken<KeyedAdapter> {
  return { that, open: brokenStore(change), caughtBy };
}

export function recordOf(tables: Tables, { txId, branchId }: Command): BranchRecord | undefined {
  return tables.get("branches", `${txId}/${branchId}`) as BranchRecord | undefined;
}

export function putBranch(tables: Tables, record: BranchRecord): void {
  tables.put("branches", `${record.txId}/${record.branchId}`, record as never);
}

export function allBranches(tables: Tables): readonly BranchRecord[] {
  return tables.scan("branches", { limit: 1_000 }).map(([, record]) => record as unknown as BranchRecord);
}
