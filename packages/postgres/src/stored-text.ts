// Texts as the server can keep them. PostgreSQL has no NUL in a text, and a name may hold one, so it is written as two
// other characters. Names keep their order, and all that holds neither NUL nor U+0001 stays as it is.

/** @throws {TypeError} for half of a surrogate pair, which has no bytes of its own in UTF-8 */
export function storedText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError(`${JSON.stringify(text)} is not well-formed Unicode`);
  // oxlint-disable-next-line no-control-regex -- it is about them
  return text.replaceAll(/[\u0000\u0001]/g, (character) => (character === "\u0000" ? "\u0001\u0001" : "\u0001\u0002"));
}

export function originalText(stored: string): string {
  // oxlint-disable-next-line no-control-regex -- it is about them
  return stored.replaceAll(/\u0001([\u0001\u0002])/g, (_, code) => (code === "\u0001" ? "\u0000" : "\u0001"));
}
