// The operations of the order service's store.
import type { Limits } from "assent/internal/protocol";
import { leaseOperations, logOperations, onceOperations, probeOperations, rowOperations } from "assent/internal/engine";
import { seedOrders } from "./replaced-purchases.ts";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the operations' types are the point
export function orderOperations(limits: Pick<Limits, "maxAgeMs" | "trailEntriesMax">) {
  return {
    ...logOperations(limits),
    ...rowOperations,
    seedOrders,
    ...leaseOperations,
    ...onceOperations,
    ...probeOperations,
  };
}

export type OrderOperations = ReturnType<typeof orderOperations>;
