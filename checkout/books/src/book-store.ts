// The three stores as the judge reads them, wherever they are kept.
import type { Tables } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";

export interface BookStore {
  /** Its name in findings, such as `payment.db`. */
  readonly name: string;
  get(table: string, key: string): Json | undefined;
  entries(table: string): Iterable<readonly [key: string, value: unknown]>;
}

export type BookStores = Readonly<Record<"orders" | "stock" | "payment", BookStore>>;

/** Whether the stores hold any order, item or user. */
export function holdData({ orders, stock, payment }: BookStores): boolean {
  const isFilled = (entries: Iterable<unknown>): boolean => !entries[Symbol.iterator]().next().done;
  return isFilled(orders.entries("rows")) || [stock, payment].some((store) => isFilled(store.entries("accounts")));
}

const pageRows = 10_000;

export function bookStoreOfTables(name: string, tables: Pick<Tables, "get" | "scan">): BookStore {
  return { name, get: (table, key) => tables.get(table, key), entries: (table) => rowsOf(tables, table) };
}

export function bookStoreOfMaps(
  name: string,
  mapOf: (table: string) => ReadonlyMap<string, unknown> | undefined,
): BookStore {
  const entriesOf = (table: string): ReadonlyMap<string, unknown> => mapOf(table) ?? new Map<string, unknown>();
  return { name, get: (table, key) => entriesOf(table).get(key) as Json | undefined, entries: entriesOf };
}

function* rowsOf(tables: Pick<Tables, "scan">, table: string): Generator<readonly [string, unknown]> {
  let after: string | undefined;
  for (;;) {
    const page = tables.scan(table, { ...(after !== undefined && { after }), limit: pageRows });
    yield* page;
    after = page.at(-1)?.[0];
    if (page.length < pageRows) return;
  }
}
