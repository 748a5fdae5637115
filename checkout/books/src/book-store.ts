// The three stores as the audit reads them, wherever they are kept.
import type { Readable } from "assent/internal/engine";
import { rowTable } from "assent/internal/engine";
import type { Table } from "assent/internal/ports";
import { accountTable } from "assent/ledger";

export interface BookStore {
  /** Its name in findings, such as `payment.db`. */
  readonly name: string;
  get<Row>(table: Table<Row>, key: string): Row | undefined;
  /** All rows of a table, in any order. */
  entries<Row>(table: Table<Row>): Iterable<readonly [key: string, row: Row]>;
}

export type BookStores = Readonly<Record<"orders" | "stock" | "payment", BookStore>>;

/** Whether the stores hold any order, item or user. */
export function holdData({ orders, stock, payment }: BookStores): boolean {
  const isFilled = (entries: Iterable<unknown>): boolean => !entries[Symbol.iterator]().next().done;
  return isFilled(orders.entries(rowTable)) || [stock, payment].some((store) => isFilled(store.entries(accountTable)));
}

const pageRows = 10_000;

export function bookStoreOfEngine(name: string, engine: Readable): BookStore {
  // A table holds what was put there as its rows.
  return {
    name,
    get: <Row>(table: Table<Row>, key: string) => engine.get(table.name, key) as Row | undefined,
    entries: <Row>(table: Table<Row>) => rowsOf(engine, table.name) as Iterable<readonly [string, Row]>,
  };
}

export function bookStoreOfMaps(
  name: string,
  mapOf: (table: string) => ReadonlyMap<string, unknown> | undefined,
): BookStore {
  // As above.
  const entries = <Row>(table: Table<Row>): ReadonlyMap<string, Row> =>
    (mapOf(table.name) ?? new Map()) as ReadonlyMap<string, Row>;
  return { name, get: (table, key) => entries(table).get(key), entries };
}

function* rowsOf(engine: Readable, table: string): Generator<readonly [string, unknown]> {
  let after: string | undefined;
  for (;;) {
    const page = engine.scan(table, { ...(after !== undefined && { after }), limit: pageRows });
    yield* page;
    after = page.at(-1)?.[0];
    if (page.length < pageRows) return;
  }
}
