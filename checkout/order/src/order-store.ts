// The operations of the order service's store.
import type { Limits } from "assent/internal/protocol";
import {
  bindOperations,
  type BoundOperations,
  leaseOperations,
  logOperations,
  onceOperations,
  probeOperations,
  rowOperations,
} from "assent/internal/engine";
import { seedOrders } from "./replaced-purchases.ts";

export function orderOperations(limits: Pick<Limits, "maxAgeMs" | "historyEntriesMax">): BoundOperations {
  const operations = {
    ...logOperations,
    ...rowOperations,
    seedOrders,
    ...leaseOperations,
    ...onceOperations,
    ...probeOperations,
  };
  return bindOperations(operations, { limits });
}
