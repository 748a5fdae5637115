// How tables are laid out on the server. Only what is scanned pays for an order; a hot record is one field of a hash.
//
//   records, mostly_new   {prefix}:TABLE        hash: key → "STAMP JSON"
//   ordered               {prefix}:TABLE        the same, and
//                         {prefix}:TABLE/keys   sorted set of its keys, written when a record comes or goes
//   index                 {prefix}:TABLE        sorted set of keys; every value is null: there is nothing else to keep
import type { Table, TableKind } from "assent/internal/ports";

export class TableLayout {
  readonly #prefix: string;
  /** Of the tables that operations have used. */
  readonly #kinds = new Map<string, TableKind>();

  constructor(prefix: string) {
    this.#prefix = `{${prefix}}`;
  }

  /** Notes a table that an operation uses. @throws {TypeError} where another definition of it has another kind */
  use({ name, kind }: Table): void {
    const known = this.#kinds.get(name);
    if (known === kind) return;
    if (known !== undefined) throw new TypeError(`table ${name} is defined as ${known} and as ${kind}`);
    this.#kinds.set(name, kind);
  }

  /** The kind of a table that an operation has used. */
  kind(table: string): TableKind {
    return this.#kinds.get(table) ?? "records";
  }

  /** The server's key of a table. */
  table(table: string): string {
    return `${this.#prefix}:${table}`;
  }

  /** The server's key of the sorted set that a table is scanned by. */
  order(table: string): string {
    return this.kind(table) === "ordered" ? `${this.#prefix}:${table}/keys` : this.table(table);
  }

  /** Whether a table has a sorted set of its keys. */
  isOrdered(table: string): boolean {
    return ["ordered", "index"].includes(this.kind(table));
  }

  /** Written where a round has to write something and has nothing to write. */
  get touched(): string {
    return `${this.#prefix}/touched`;
  }
}
