// The layout of tables on the server. Only scanned tables pay for an order; a hot record is one field of a hash.
//
//   records, mostly_new   {prefix}:TABLE        hash: key → "VERSION JSON"
//   ordered               {prefix}:TABLE        the same, and
//                         {prefix}:TABLE/keys   sorted set of its keys, written when a record is added or removed
//   index                 {prefix}:TABLE        sorted set of keys; every value is null
import type { Table, TableKind } from "assent/internal/ports";

export class TableLayout {
  readonly #prefix: string;
  /** The tables that operations have used. */
  readonly #kinds = new Map<string, TableKind>();

  constructor(prefix: string) {
    this.#prefix = `{${prefix}}`;
  }

  /** Records a table that an operation uses. @throws {TypeError} if another definition of it has another kind */
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

  /** The server's key of the sorted set by which a table is scanned. */
  order(table: string): string {
    return this.kind(table) === "ordered" ? `${this.#prefix}:${table}/keys` : this.table(table);
  }

  /** Whether a table has a sorted set of its keys. */
  isOrdered(table: string): boolean {
    return ["ordered", "index"].includes(this.kind(table));
  }

  /** Written by rounds that must write but have nothing to write. */
  get touched(): string {
    return `${this.#prefix}/touched`;
  }
}
