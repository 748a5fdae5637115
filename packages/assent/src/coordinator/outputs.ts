// What branches returned to the caller: kept in the row by the write that commits, so that a repeat gets it, too.
import { isJsonObject, type JsonObject } from "../protocol/index.ts";
import type { Row, RowChange } from "../ports/transaction-log.ts";

/** The field of a row that holds the outputs of its transaction, by branch. */
const outputsField = "$outputs";

/** The change of the row that comes with a commit. */
export function commitChange(onCommit: RowChange | undefined, outputs: JsonObject | undefined): RowChange | undefined {
  if (outputs === undefined) return onCommit;
  return { ...onCommit, set: { ...onCommit?.set, [outputsField]: outputs } };
}

/** Undefined where no branch returned anything. */
export function outputsOf(row: Row | undefined): JsonObject | undefined {
  const outputs = row?.outcome === "committed" ? row.fields[outputsField] : undefined;
  return outputs !== undefined && isJsonObject(outputs) ? outputs : undefined;
}
