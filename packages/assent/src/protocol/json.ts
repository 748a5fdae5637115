// JSON values: what payloads, inputs and rows are made of.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Narrows to a plain JSON object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Narrows to a list, which Array.isArray does not do where lists are read-only. */
export function isJsonList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** @throws {SyntaxError} for a text that is not JSON */
export function parseJson(text: string): Json {
  // JSON.parse returns nothing else.
  return JSON.parse(text) as Json;
}

/** The object that a text holds. @throws {SyntaxError} {TypeError} for a text that holds none */
export function objectOf(text: string): JsonObject {
  const value = parseJson(text);
  if (isJsonObject(value)) return value;
  throw new TypeError(`${text.slice(0, 40)} is no object`);
}

/** A field of an object, or undefined for any other value. */
export function fieldOf(value: Json, name: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Whether lists and objects are nested no deeper than this; never recurses deeper itself. */
export function nestsWithin(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  const parts: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  return parts.every((part) => nestsWithin(part, levels - 1));
}

/** The one text of a value: keys sorted, no white space. Equal values have equal texts. */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  const fields = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, field]: [string, Json]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
}

/**
 * A 52-bit fingerprint of a text, as a safe integer: two FNV-1a rounds with different bases over UTF-16 units
 * (Fowler, Noll, Vo; parameters of the 32-bit variant). It detects a changed payload; it is no defence against forgery.
 */
export function fingerprint(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + index), 0x01000193);
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
}

/** The fingerprint of a value by its canonical text. */
export function fingerprintOf(value: Json): number {
  return fingerprint(canonicalJson(value));
}
