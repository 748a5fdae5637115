// Rows, as the port `RowStore` promises them.
import type { FieldCondition, Row, RowChange, RowStore, RowWrite } from "assent/internal/ports";
import type { Json, JsonObject } from "assent/internal/protocol";
import { Rejected, type Synchronous } from "./call.ts";

export class ModelRows implements Synchronous<RowStore> {
  readonly all = new Map<string, Row>();

  putRow(key: string, incarnation: string, fields: JsonObject): void {
    this.all.set(key, { key, incarnation, attempt: 0, outcome: "none", fields });
  }

  putRows(incarnation: string, rows: readonly (readonly [key: string, fields: JsonObject])[]): void {
    for (const [key, fields] of rows) this.putRow(key, incarnation, fields);
  }

  readRow(key: string): Row | undefined {
    return this.all.get(key);
  }

  changeRow(key: string, change: RowChange): RowWrite {
    const row = this.all.get(key);
    if (row === undefined) return { kind: "absent" };
    if (row.outcome === "pending" || row.outcome === "committed") return { kind: "unmet", row };
    const next = afterChange(row, change);
    if (next === undefined) return { kind: "unmet", row };
    this.all.set(key, next);
    return { kind: "changed", row: next };
  }
}

/** The row after a change; undefined when a condition fails. Throws `Rejected` when it cannot be done. */
export function afterChange(row: Row, change: RowChange = {}): Row | undefined {
  const { expect = [], set = {}, increment = {}, append = {} } = change;
  if (!expect.every((condition) => holds(row.fields, condition))) return undefined;
  const fields: Record<string, Json> = { ...row.fields, ...set };
  for (const [field, by] of Object.entries(increment)) {
    const sum = Number(fields[field]) + by;
    if (typeof fields[field] !== "number" || !Number.isSafeInteger(sum)) throw new Rejected(`no increment of ${field}`);
    fields[field] = sum;
  }
  for (const [field, element] of Object.entries(append)) {
    const list = fields[field];
    if (!Array.isArray(list)) throw new Rejected(`${field} is no list`);
    fields[field] = [...list, element];
  }
  return { ...row, fields };
}

function holds(fields: JsonObject, { field, is, atMost, atLeast }: FieldCondition): boolean {
  const value = fields[field];
  if (value === undefined) return false;
  if (is !== undefined && JSON.stringify(is) !== JSON.stringify(value)) return false;
  if (atMost !== undefined && (typeof value !== "number" || value > atMost)) return false;
  return atLeast === undefined || (typeof value === "number" && value >= atLeast);
}
