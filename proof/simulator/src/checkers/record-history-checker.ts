// The history at each write to the log, inside the step: each write adds exactly its one entry.
import {
  isEnded,
  type RecordHistory,
  historyEntries,
  type HistoryEntry,
  type TransactionRecord,
} from "assent/internal/protocol";
import { isDeepStrictEqual } from "node:util";
import type { Report } from "./violation.ts";

/** A record as a store keeps it. */
type Kept = TransactionRecord & { readonly trail?: RecordHistory };

export interface TrailStep {
  readonly before: Kept | undefined;
  readonly after: Kept | undefined;
  readonly now: number;
}

/** `created`: what it is called when this step makes a record. */
export function checkHistory(
  { before, after, now, created = "begun" }: TrailStep & { readonly created?: "begun" | "rebuilt" },
  reportAny: Report,
): void {
  if (after === undefined) return;
  const report = (text: string): void => reportAny({ rule: "history", text, txId: after.txId });
  const [earlier, entries] = [entriesOf(before), entriesOf(after)];
  const added = entries.slice(earlier.length);
  if (!isDeepStrictEqual(entries.slice(0, earlier.length), earlier)) report("changed an entry");
  const expected = before === undefined ? created : eventBetween(before, after);
  const events = added.map(({ event }) => event);
  if (!isDeepStrictEqual(events, expected === undefined ? [] : [expected])) {
    report(`${expected ?? "nothing"} was written, but the new entries are: ${events.join() || "none"}`);
  }
  for (const { at, owner, epoch } of added) {
    if (at !== now || owner !== after.owner || epoch !== after.epoch)
      report(`the entry has ${owner}@${epoch} at ${at}`);
  }
}

const entriesOf = (kept: Kept | undefined): readonly HistoryEntry[] =>
  kept ? historyEntries(kept, kept.trail ?? []) : [];

/** The effect of a step on a record. No transaction of a run has so many writes that its history is full. */
function eventBetween(before: Kept, after: Kept): HistoryEntry["event"] | undefined {
  if (before.epoch !== after.epoch || before.owner !== after.owner) return "taken_over";
  if (before.state !== after.state) return isEnded(after) ? "ended" : "decided";
  return after.parked !== undefined && after.parked.reason !== before.parked?.reason ? "parked" : undefined;
}
