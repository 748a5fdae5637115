// What the store of items has to be able to do. Threads that only keep a store import this, and no HTTP.
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import type { Limits } from "assent/internal/protocol";
import {
  bindOperations,
  type BoundOperations,
  branchOperations,
  onceOperations,
  probeOperations,
} from "assent/internal/engine";

export function stockOperations(limits: Limits): BoundOperations {
  const handler = ledgerHandler({ insufficient: "insufficient_stock", absent: "item_not_found" });
  const operations = { ...branchOperations, ...ledgerOperations, ...onceOperations, ...probeOperations };
  return bindOperations(operations, { handler, limits });
}
