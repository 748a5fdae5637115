// The history of each record, as the port `TransactionLog` specifies it.
import { defaultLimits, type HistoryEntry, type TrailEvent, type TransactionRecord } from "assent/internal/protocol";

export class ModelHistories {
  readonly #all = new Map<string, HistoryEntry[]>();

  of(txId: string): readonly HistoryEntry[] {
    return this.#all.get(txId) ?? [];
  }

  add({ txId, owner, epoch }: TransactionRecord, at: number, event: TrailEvent): void {
    const entries = this.#all.get(txId) ?? [];
    // What is left out beyond it is for a case of the suite: no transaction of a run comes near.
    if (entries.length === defaultLimits.historyEntriesMax) throw new Error(`${txId} was written to too often`);
    this.#all.set(txId, [...entries, { at, owner, epoch, ...event }]);
  }

  remove(txId: string): void {
    this.#all.delete(txId);
  }
}
