// Stores without marks are new, or were written by an earlier version: only their books can show whether they belong
// together.
import type { BookStores } from "./book-store.ts";
import { judgeBooks } from "./judge-books.ts";

/** Number of problems listed; the rest are only counted. */
const namedMax = 10;

/** Reasons why the stores do not belong together. Empty if they do. */
export function judgeUnmarked(stores: BookStores): readonly string[] {
  const { findings } = judgeBooks(stores, { isComplete: false });
  const texts = [...findings.stock, ...findings.payment].map(({ text }) => `${text}.`);
  const more = texts.length - namedMax;
  return more <= 0 ? texts : [...texts.slice(0, namedMax), `And ${more} more like these.`];
}
