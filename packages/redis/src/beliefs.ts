// What is believed of records on the server.
import { type Json, parseJson } from "assent/internal/protocol";

/** A record as it is believed to be. */
export interface Belief {
  /** What its text begins with on the server; empty: absent. */
  readonly stamp: string;
  readonly value: Json | undefined;
}

export const absent: Belief = { stamp: "", value: undefined };

/** A key of a sorted set that is there. */
export const keyBelief: Belief = { stamp: "+", value: null };

/** Texts on the server are a stamp, a blank and JSON; the blank belongs to the stamp. */
export function beliefOf(text: string): Belief {
  const end = text.indexOf(" ") + 1;
  return { stamp: text.slice(0, end), value: parseJson(text.slice(end)) };
}

/** Beliefs by table and key. */
export class Beliefs {
  readonly #tables = new Map<string, Map<string, Belief>>();

  get(table: string, key: string): Belief | undefined {
    return this.#tables.get(table)?.get(key);
  }

  set(table: string, key: string, belief: Belief): void {
    const records = this.#tables.get(table);
    if (records === undefined) this.#tables.set(table, new Map([[key, belief]]));
    else records.set(key, belief);
  }
}
