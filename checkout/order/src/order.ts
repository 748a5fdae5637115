// An order: the fields of its row, and the limits on them.
import { amountMax, type JsonObject } from "assent/internal/protocol";
import { z } from "zod";

/** How many times items may be added to one order. */
export const orderEntriesMax = 500;
/** Largest total of one order, and its most units: what one payment or one stock branch may move. */
export const orderTotalMax: number = amountMax;
export const orderUnitsMax: number = amountMax;

export const orderFields = z.object({
  user: z.string(),
  /** Item and quantity, one for each time an item was added. */
  items: z.array(z.tuple([z.string(), z.int().min(1)])),
  total: z.int().min(0),
  units: z.int().min(0),
  entries: z.int().min(0),
});

export type OrderFields = z.infer<typeof orderFields>;

export function emptyOrder(user: string): OrderFields & JsonObject {
  return { user, items: [], total: 0, units: 0, entries: 0 };
}
