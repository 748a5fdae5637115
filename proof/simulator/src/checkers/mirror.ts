// The contents of a store, rebuilt from its commits: the checkers compare each change with them.
import type { Json } from "assent/internal/protocol";
import type { Table } from "assent/internal/ports";
import type { Writes } from "assent/internal/engine";

export interface Change {
  readonly table: string;
  readonly key: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** A change, if it is in this table; otherwise undefined. */
export function changeOf<Row>(
  { table, before, after }: Change,
  { name }: Table<Row>,
): { readonly before: Row | undefined; readonly after: Row | undefined } | undefined {
  // A table holds what was put there as its rows.
  return table === name ? { before: before as Row | undefined, after: after as Row | undefined } : undefined;
}

export class Mirror {
  readonly #tables = new Map<string, Map<string, Json>>();

  get<Row>(table: Table<Row>, key: string): Row | undefined {
    return this.entries(table).get(key);
  }

  entries<Row>({ name }: Table<Row>): ReadonlyMap<string, Row> {
    // As above.
    return (this.#tables.get(name) ?? new Map()) as ReadonlyMap<string, Row>;
  }

  /** Applies a commit and returns its changes. */
  apply(writes: Writes): readonly Change[] {
    const changes: Change[] = [];
    for (const [table, written] of writes) {
      let rows = this.#tables.get(table);
      if (rows === undefined) {
        rows = new Map();
        this.#tables.set(table, rows);
      }
      for (const [key, after] of written) {
        changes.push({ table, key, before: rows.get(key), after });
        if (after === undefined) rows.delete(key);
        else rows.set(key, after);
      }
    }
    return changes;
  }
}
