// Records as this process has read them: optimistic steps run on these, and the server verifies them.
import { type Json, parseJson } from "assent/internal/protocol";

/** A record as it was read, which another process may have changed since. */
export interface KnownRecord {
  /** What its text begins with on the server; empty: absent. */
  readonly version: string;
  readonly value: Json | undefined;
}

export const absent: KnownRecord = { version: "", value: undefined };

/** A key of a sorted set that is there. */
export const presentKey: KnownRecord = { version: "+", value: null };

/** Texts on the server are a version, a blank and JSON; the blank belongs to the version. */
export function knownRecordOf(text: string): KnownRecord {
  const end = text.indexOf(" ") + 1;
  return { version: text.slice(0, end), value: parseJson(text.slice(end)) };
}

/** What was read, by table and key. */
export class ReadSet {
  readonly #tables = new Map<string, Map<string, KnownRecord>>();

  get(table: string, key: string): KnownRecord | undefined {
    return this.#tables.get(table)?.get(key);
  }

  set(table: string, key: string, known: KnownRecord): void {
    const records = this.#tables.get(table);
    if (records === undefined) this.#tables.set(table, new Map([[key, known]]));
    else records.set(key, known);
  }
}
