// What a store holds, as seen from its commits: what the checkers compare each change against.
import type { Json } from "assent/internal/protocol";
import type { Writes } from "assent/internal/engine";

export interface Change {
  readonly table: string;
  readonly key: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export class Mirror {
  readonly #tables = new Map<string, Map<string, Json>>();

  get(table: string, key: string): Json | undefined {
    return this.#tables.get(table)?.get(key);
  }

  entries(table: string): ReadonlyMap<string, Json> {
    return this.#tables.get(table) ?? new Map<string, Json>();
  }

  /** Takes a commit over and answers what it changed. */
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
