// Whether a store takes writes. Nothing is written to find out, unless the last write was refused: then as much as a
// small batch, so that it is taken once there is room for others', whether or not anybody else writes.
import type { Tables } from "@assent/orchestrator";
import type { StepContext } from "./step.ts";

const probeTable = "probe";
/** More than a page of any engine: what still fits into a page that is begun is no room. */
const probeLength = 20_000;

export const probeOperations = {
  /** Fails as any write does while writes are refused. */
  probe(tables: Tables, _nothing: null, { now, refusesWrites }: StepContext): null {
    if (refusesWrites === true) tables.put(probeTable, "last", String(now).padEnd(probeLength, "."));
    return null;
  },
};
