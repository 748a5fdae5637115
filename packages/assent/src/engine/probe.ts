// Whether a store accepts writes. The probe writes only if the last write was refused: then it writes as much as a
// small batch, so that it succeeds once there is room for other writes, even if no caller writes.
import { operation, table, type Table } from "../ports/index.ts";

export const probeTable: Table<string> = table("probe", "records");
/** More than a page of any engine: room in a page that is already in use does not count. */
const probeLength = 20_000;

export const probeOperations = {
  /** Fails like any write while writes are refused. */
  probe: operation("probe", (tables, _nothing: null, { now, refusesWrites }): null => {
    if (refusesWrites === true) tables.put(probeTable, "last", String(now).padEnd(probeLength, "."));
    return null;
  }),
};
