// What broken branch stores have in common.
import { branchTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import { type ScannedTable, table, type Tables } from "assent/internal/ports";
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
  return tables.get(branchTable, `${txId}/${branchId}`);
}

export function putBranch(tables: Tables, record: BranchRecord): void {
  tables.put(branchTable, `${record.txId}/${record.branchId}`, record);
}

/** The adapters of these tests let any table be scanned. */
const branchesScanned: ScannedTable<BranchRecord> = table(branchTable.name, "ordered");

export function allBranches(tables: Tables): readonly BranchRecord[] {
  return tables.scan(branchesScanned, { limit: 1_000 }).map(([, record]) => record);
}
