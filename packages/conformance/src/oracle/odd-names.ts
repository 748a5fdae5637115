// Names as no service gives them. A lone surrogate has no UTF-8 form of its own, so every store refuses it: it would
// take two names that differ in one for the same. What is only unusual is a name like any other.
import type { Rule } from "./outcomes.ts";

const long = "x".repeat(300);

export const oddNames: readonly string[] = [
  "",
  "k\u0000",
  "k\u0000b",
  "k\u001f\n",
  "k\u007f\u0085",
  `k${long}`,
  `k${long}y`,
  "k\ufffd",
  "k\ud800",
  "k\udfff",
];

/** Whether a call, or a command of it, has a text that no store may take as a name. */
export function hasIllFormed(value: unknown): boolean {
  return textsOf(value).some((text) => !text.isWellFormed());
}

/** The rules about names that a call meets. */
export function rulesOf(value: unknown): readonly Rule[] {
  return textsOf(value).flatMap((text): Rule[] => {
    if (!text.isWellFormed()) return ["M3 half of a surrogate pair is refused"];
    if (text === "") return ["M3 an empty name is one name"];
    if (text.length > long.length) return ["M3 a name may be long for a store"];
    // oxlint-disable-next-line no-control-regex -- it is about them
    return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? ["M3 a control character is part of a name"] : [];
  });
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
