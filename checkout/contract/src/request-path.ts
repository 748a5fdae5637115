// Accepts only paths that every server on the way interprets alike. A path with dot segments or an encoded separator
// means one thing to a server that resolves it, and another to a server that does not.
import { Problem } from "./problem.ts";

/** Percent-encoded `.`, `/`, `\` and `%`, the backslash, and the start of a fragment. Encodings are lower case. */
export const ambiguousInPath = ["%2e", "%2f", "%5c", "%25", "\\", "#"] as const;

/** A segment that is `.` or `..`. */
export const dotSegment: RegExp = /(^|\/)\.\.?(\/|$)/;

export const ambiguousPath: Problem = new Problem(
  "invalid_input",
  "The path contains a dot segment, a backslash, a fragment, or an encoded dot, slash, backslash or percent sign. " +
    "Nothing was changed.",
);

/** @param path without its query, as received */
export function isAmbiguousPath(path: string): boolean {
  const lower = path.toLowerCase();
  return dotSegment.test(path) || ambiguousInPath.some((part) => lower.includes(part));
}
