// A transaction that has not ended, as `list` shows it.
import type { TransactionRecord } from "../protocol/index.ts";

/** `parked`: it cannot be finished now, and is tried again more rarely, whatever is decided. */
export type UnfinishedState = "undecided" | "committing" | "aborting" | "parked";

export interface Unfinished {
  /** The name of its definition. */
  readonly transaction: string;
  readonly key: string;
  readonly tx: string;
  readonly state: UnfinishedState;
  /** The process that drives it. */
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly begunAt: number;
  /** Why it is parked, since when, and how often it was tried. */
  readonly parked?: { readonly reason: string; readonly since: number; readonly attempts: number };
}

export function unfinishedOf(record: TransactionRecord): Unfinished {
  const { definition: transaction, key, txId: tx, owner, begunAt, parked } = record;
  const known = { transaction, key, tx, owner, begunAt };
  return parked === undefined ? { ...known, state: stateOf(record) } : { ...known, state: "parked", parked };
}

function stateOf({ state }: TransactionRecord): UnfinishedState {
  return state === "committing" || state === "aborting" ? state : "undecided";
}
