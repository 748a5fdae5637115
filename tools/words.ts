// Words that do not belong in this repository: private jargon, and English that reads like a translation. Each entry
// gives the term to use instead.

export interface Word {
  readonly pattern: RegExp;
  readonly instead: string;
}

export const words: readonly Word[] = [
  { pattern: /\b(tell|told|tells|telling)\b/gi, instead: "return, report or acknowledge" },
  { pattern: /\bbeliefs?\b/gi, instead: "read set" },
  { pattern: /\bplant(s|ed)?\b/gi, instead: "mutant" },
  // Stored records keep their history in the field `trail`, as data of earlier versions does.
  { pattern: /(?<!\.)\btrails?\b(?!\??:)/gi, instead: "history" },
  { pattern: /\b(former|another|new) (life|lives|generation)s?\b/gi, instead: "incarnation" },
  { pattern: /\b(cannot|can not|can't) be meant\b/gi, instead: "invalid" },
  { pattern: /\b(whoever|somebody|a stranger|strangers)\b/gi, instead: "the caller, a client or another process" },
  { pattern: /\bhow-manieth\b/gi, instead: "count" },
  { pattern: /\bin vain\b/gi, instead: "without an answer" },
];

/** How many times the words occur in a text. Identifiers in camel case are not matched. */
export function countWords(text: string): number {
  return words.reduce((count, { pattern }) => count + (text.match(pattern)?.length ?? 0), 0);
}
