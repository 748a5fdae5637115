// The findings of one store that an audit prints: some of each kind, so that a kind with one finding is not hidden by
// another with thousands.
import type { Finding } from "@assent/books";

/** Findings of one kind that are printed; the rest are counted. */
const shownMax = 10;

/** @returns one line for each printed finding, kind by kind, and one that counts the others of each kind */
export function shownFindings(findings: readonly Finding[], store: string): readonly string[] {
  const kinds = [...Map.groupBy(findings, ({ rule }) => rule)].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return kinds.flatMap(([, found]) => {
    const lines = found.slice(0, shownMax).map(({ text }) => text);
    const more = found.length - lines.length;
    return more === 0 ? lines : [...lines, `and ${more} more like these in ${store}`];
  });
}
