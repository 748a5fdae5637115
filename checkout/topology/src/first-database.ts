// Where the first start of a topology on a folder looks for the data of a service: in a backup.
import { join } from "node:path";
import type { ServiceName } from "./topology.ts";

/** Relative to the topology's folder. In the sentinel topology the other servers get a copy of the first one's. */
export const firstDatabase: Readonly<Record<"local" | "sentinel", (service: ServiceName) => string>> = {
  local: (service) => `redis-${service}`,
  sentinel: (service) => join(`redis-${service}`, "0"),
};
