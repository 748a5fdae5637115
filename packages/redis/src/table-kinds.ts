// How tables are laid out on the server. Only what is scanned pays for an order; a hot record is one field of a hash.
//
//   records   {prefix}:TABLE        hash: key → "STAMP JSON"
//   ordered   {prefix}:TABLE        the same, and
//             {prefix}:TABLE/keys   sorted set of its keys, written when a record comes or goes
//   index     {prefix}:TABLE        sorted set of keys; every value is null, so there is nothing else to keep

export type TableKind = "records" | "ordered" | "index";

export interface TableKinds {
  /** Tables whose records are scanned. */
  readonly ordered: readonly string[];
  /** Tables that are scanned and hold keys only. */
  readonly indexes: readonly string[];
  /**
   * Tables whose records are met for the first time when they are made. What was never seen of them is taken to be
   * absent, which the server verifies like any belief; of other tables it is read first.
   */
  readonly mostlyNew: readonly string[];
}

/** The tables of the operations of the engine and of the ledger. */
export const keyedTableKinds: TableKinds = {
  ordered: ["accounts", "leases"],
  indexes: ["unfinished", "active", "removable", "branches_due", "branches_removable", "once_due"],
  mostlyNew: ["transactions", "branches", "once"],
};

export class TableLayout {
  readonly #prefix: string;
  readonly #kinds = new Map<string, TableKind>();
  readonly #mostlyNew: ReadonlySet<string>;

  constructor(prefix: string, { ordered, indexes, mostlyNew }: TableKinds) {
    this.#prefix = `{${prefix}}`;
    for (const table of ordered) this.#kinds.set(table, "ordered");
    for (const table of indexes) this.#kinds.set(table, "index");
    this.#mostlyNew = new Set(mostlyNew);
  }

  kind(table: string): TableKind {
    return this.#kinds.get(table) ?? "records";
  }

  isMostlyNew(table: string): boolean {
    return this.#mostlyNew.has(table);
  }

  /** The server's key of a table. */
  table(table: string): string {
    return `${this.#prefix}:${table}`;
  }

  /** The server's key of the sorted set that a table is scanned by. */
  order(table: string): string {
    return this.kind(table) === "ordered" ? `${this.#prefix}:${table}/keys` : this.table(table);
  }

  /** Written where a round has to write something and has nothing to write. */
  get touched(): string {
    return `${this.#prefix}/touched`;
  }
}
