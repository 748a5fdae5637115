// What the store of items has to be able to do. Threads that only keep a store import this, and no HTTP.
import { ledgerHandler, type LedgerOperations, ledgerOperations } from "assent/ledger";
import type { Limits } from "assent/internal/protocol";
import { branchOperations, type Executor, onceOperations, probeOperations } from "assent/internal/engine";

export type StockStore = Executor<LedgerOperations & typeof onceOperations & typeof probeOperations>;

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the operations' types are the point
export function stockOperations(limits: Limits) {
  const handler = ledgerHandler({ insufficient: "insufficient_stock", absent: "item_not_found" });
  return { ...branchOperations(handler, limits), ...ledgerOperations, ...onceOperations, ...probeOperations };
}

export type StockOperations = ReturnType<typeof stockOperations>;
