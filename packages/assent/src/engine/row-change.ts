// Conditional changes to rows, as data (C4).
import type { FieldCondition, Row, RowChange } from "../ports/index.ts";
import { invariant, isJsonList, type Json, type JsonObject } from "../protocol/index.ts";

/** Whether every condition holds. Numbers compare as numbers, anything else by its text. */
export function meets(fields: JsonObject, conditions: readonly FieldCondition[] = []): boolean {
  return conditions.every(({ field, is, atMost, atLeast }) => {
    if (!Object.hasOwn(fields, field)) return false;
    const value = fields[field];
    if (is !== undefined && JSON.stringify(value) !== JSON.stringify(is)) return false;
    if (atMost !== undefined && !(typeof value === "number" && value <= atMost)) return false;
    return !(atLeast !== undefined && !(typeof value === "number" && value >= atLeast));
  });
}

/**
 * The fields after a change whose conditions hold.
 * @throws {InvariantViolation} when a field is not of the kind the change needs, or would leave the safe integers
 */
export function changedFields(fields: JsonObject, change: RowChange): JsonObject {
  const next: Record<string, Json> = { ...fields, ...change.set };
  for (const [field, by] of Object.entries(change.increment ?? {})) {
    const value = next[field];
    invariant(typeof value === "number", "C4", `${field} is not a number`);
    const sum = value + by;
    invariant(Number.isSafeInteger(sum), "S3", `${field} would become ${sum}: bound it by a condition`);
    next[field] = sum;
  }
  for (const [field, element] of Object.entries(change.append ?? {})) {
    const list = next[field];
    invariant(isJsonList(list), "C4", `${field} is not a list`);
    next[field] = [...list, element];
  }
  return next;
}

/** The row after a change, or undefined when its conditions do not hold. */
export function changedRow(row: Row, change: RowChange | undefined): Row | undefined {
  if (change === undefined) return row;
  if (!meets(row.fields, change.expect)) return undefined;
  return { ...row, fields: changedFields(row.fields, change) };
}
