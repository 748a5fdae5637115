// One scan over several ordered sources, where a newer source hides the keys of an older one. It reads only the rows
// that it returns and the rows that are hidden among them, however many more the sources hold.
import type { Json } from "assent/internal/protocol";
import { compareKeys } from "assent/internal/engine";
import type { Entry } from "./memtable.ts";

/** @param sources newest first, each in key order */
export function mergedScan(
  sources: readonly Iterator<Entry, unknown>[],
  limit: number,
): readonly (readonly [key: string, value: Json])[] {
  const heads = sources.map((source) => headOf(source));
  const rows: (readonly [string, Json])[] = [];
  for (;;) {
    let first: Entry | undefined;
    for (const head of heads) {
      if (head !== undefined && (first === undefined || compareKeys(head[1], first[1]) < 0)) first = head;
    }
    if (first === undefined) return rows;
    const [, key, value] = first;
    if (value !== undefined) rows.push([key, value]);
    // Before any source reads on.
    if (rows.length === limit) return rows;
    sources.forEach((source, index) => {
      if (heads[index]?.[1] === key) heads[index] = headOf(source);
    });
  }
}

function headOf(source: Iterator<Entry, unknown>): Entry | undefined {
  const next = source.next();
  return next.done === true ? undefined : next.value;
}
