// Tables that remember the names of those that were used, so that they can be made empty again.
import { operation, table, type Tables } from "assent/internal/ports";

const used = new Set<string>();

export function noting(tables: Tables): Tables {
  return {
    get: (each, key) => tables.get(each, key),
    scan: (each, range) => tables.scan(each, range),
    delete: (each, key) => tables.delete(each, key),
    put(each, key, row) {
      used.add(each.name);
      tables.put(each, key, row);
    },
  };
}

export const makeEmpty = operation("makeEmpty", (tables): null => {
  for (const name of used) {
    const each = table<unknown>(name, "ordered");
    for (const [key] of tables.scan(each, { limit: 1_000_000 })) tables.delete(each, key);
  }
  return null;
});
