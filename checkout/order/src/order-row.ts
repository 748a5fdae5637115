// An order as its row has it. Threads that only keep a store import this, and no schema.
import type { Row } from "assent/internal/ports";
import type { OrderFields } from "./order.ts";

/** The fields of a row, or the input that a transaction was begun with from one. */
export function orderOf({ fields }: Pick<Row, "fields">): OrderFields {
  // The order service alone writes them, and `changeRow` keeps their types.
  return fields as unknown as OrderFields;
}
