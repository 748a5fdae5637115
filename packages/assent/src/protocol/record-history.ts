// The history of a transaction: one entry for every write of its record, stored and removed with the record.
//
// It is stored as lines, which are short because the record is written completely at each step of a checkout. The time
// of a line is relative to `begunAt`, and it has no owner: the record names the current one, a takeover the previous
// one. Readers get entries, which are complete.
import type { Limits } from "./limits.ts";
import type { Claimant, OperatorNote, TransactionRecord, TransactionState } from "./transaction-record.ts";
import type { Decision } from "./verbs.ts";

/** The part of an entry that its event is about. */
export type TrailEvent =
  | { readonly event: "begun" }
  /** R5: made again, in the state that the row still knew. */
  | { readonly event: "rebuilt"; readonly state: TransactionState; readonly reason?: string }
  | { readonly event: "taken_over"; readonly from: Claimant }
  /** Written when a note comes or its reason changes, not each time that it is renewed. */
  | { readonly event: "parked"; readonly reason: string }
  /** `operator`: who cancelled it. */
  | {
      readonly event: "decided";
      readonly decision: Decision;
      readonly reason?: string;
      readonly operator?: OperatorNote;
    }
  | { readonly event: "ended" }
  /** In place of takeovers and parkings that had no room: how many at least, and how it stood after the newest. */
  | { readonly event: "left_out"; readonly entries: number };

/** `at`: time of the store that wrote it. `owner` and `epoch`: who has the record from this entry on. */
export type HistoryEntry = Claimant & { readonly at: number } & TrailEvent;

/** `afterMs`: counted from the `begunAt` of the record, by another clock, so it may be below zero. */
export type HistoryLine =
  | readonly [afterMs: number, event: "begun"]
  | readonly [afterMs: number, event: "rebuilt", state: TransactionState, reason?: string]
  | readonly [afterMs: number, event: "taken_over", fromOwner: string, fromEpoch: number]
  | readonly [afterMs: number, event: "parked", reason: string]
  | readonly [afterMs: number, event: "commit"]
  | readonly [afterMs: number, event: "abort", reason: string]
  | readonly [afterMs: number, event: "abort", reason: string, by: string, why: string]
  | readonly [afterMs: number, event: "ended"]
  /** From whom: the oldest of the takeovers that were left out, if any was. */
  | readonly [afterMs: number, event: "left_out", entries: number]
  | readonly [afterMs: number, event: "left_out", entries: number, fromOwner: string, fromEpoch: number];

/** Oldest first. Never changed: a write makes a new one. */
export type RecordHistory = readonly HistoryLine[];

/** How a record that was begun starts its history. */
export function begunHistory({ begunAt, changedAt }: TransactionRecord): RecordHistory {
  return [[changedAt - begunAt, "begun"]];
}

/** How a record that was rebuilt starts its history: what came before was lost with it (R5). */
export function rebuiltHistory({ begunAt, changedAt, state, reason }: TransactionRecord): RecordHistory {
  const afterMs = changedAt - begunAt;
  return [reason === undefined ? [afterMs, "rebuilt", state] : [afterMs, "rebuilt", state, reason]];
}

/** The history after a write: one line more, or the same where a note only was renewed. */
export function nextHistory(
  history: RecordHistory | undefined,
  { before, after, now }: { before: TransactionRecord; after: TransactionRecord; now: number },
  { historyEntriesMax }: Pick<Limits, "historyEntriesMax">,
): RecordHistory {
  // A record of a version without histories: at least its beginning is missing.
  const known = history ?? [[before.changedAt - before.begunAt, "left_out", 1] as const];
  const line = lineOf(before, after, now - after.begunAt);
  return line === undefined ? known : bounded([...known, line], historyEntriesMax);
}

/** The entries of a record's history, oldest first. */
export function historyEntries(
  { owner, epoch, begunAt }: TransactionRecord,
  history: RecordHistory,
): readonly HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  let holder: Claimant = { owner, epoch };
  for (const line of history.toReversed()) {
    const before = formerHolder(line) ?? holder;
    entries.push({ at: begunAt + line[0], ...holder, ...eventOf(line, before) });
    holder = before;
  }
  return entries.reverse();
}

/** A write changes one thing of a record, and that is what it did. */
function lineOf(before: TransactionRecord, after: TransactionRecord, afterMs: number): HistoryLine | undefined {
  const { owner, epoch, state, parked } = after;
  if (owner !== before.owner || epoch !== before.epoch) return [afterMs, "taken_over", before.owner, before.epoch];
  if (state !== before.state) return stateLine(after, afterMs);
  if (parked === undefined || parked.reason === before.parked?.reason) return undefined;
  return [afterMs, "parked", parked.reason];
}

function stateLine({ state, reason = "aborted", operator }: TransactionRecord, afterMs: number): HistoryLine {
  if (state === "committing") return [afterMs, "commit"];
  if (state !== "aborting") return [afterMs, "ended"];
  return operator === undefined ? [afterMs, "abort", reason] : [afterMs, "abort", reason, operator.by, operator.why];
}

function eventOf(line: HistoryLine, from: Claimant): TrailEvent {
  switch (line[1]) {
    case "begun":
    case "ended":
      return { event: line[1] };
    case "rebuilt":
      return { event: "rebuilt", state: line[2], ...(line[3] !== undefined && { reason: line[3] }) };
    case "taken_over":
      return { event: "taken_over", from };
    case "left_out":
      return { event: "left_out", entries: line[2] };
    case "parked":
      return { event: "parked", reason: line[2] };
    case "commit":
      return { event: "decided", decision: "commit" };
    case "abort":
      return { event: "decided", decision: "abort", reason: line[2], ...operatorOf(line) };
  }
}

function operatorOf(line: HistoryLine & readonly [number, "abort", ...unknown[]]): { operator?: OperatorNote } {
  return line.length === 5 ? { operator: { by: line[3], why: line[4] } } : {};
}

/** Who had the record before the write of a line, where that is another than after it. */
function formerHolder(line: HistoryLine): Claimant | undefined {
  if (line[1] === "taken_over") return { owner: line[2], epoch: line[3] };
  return line[1] === "left_out" && line.length === 5 ? { owner: line[3], epoch: line[4] } : undefined;
}

/**
 * Only takeovers and parkings can come without end, so only they are left out, oldest first: how the transaction began,
 * was decided and ended stays, and so does the newest line. There is room for those, and a gap before each:
 * `historyEntriesMax` is at least 8 (`checkLimits`).
 */
function bounded(lines: RecordHistory, linesMax: number): RecordHistory {
  if (lines.length <= linesMax) return lines;
  const oldest = lines.findIndex(([, event]) => event === "taken_over" || event === "parked");
  // Under a bound that is too small a history grows rather than fail the write.
  return oldest === -1 ? lines : bounded(withGap(lines, oldest), linesMax);
}

/** Leaves a takeover or parking out: in its place stands a gap, one with a gap just before it. */
function withGap(lines: RecordHistory, index: number): RecordHistory {
  const [line, earlier] = [lines[index], lines[index - 1]];
  if (line === undefined) return lines;
  const gap = earlier?.[1] === "left_out" ? earlier : undefined;
  const entries = (gap?.[2] ?? 0) + 1;
  const from = (gap && formerHolder(gap)) ?? formerHolder(line);
  const wider: HistoryLine =
    from === undefined ? [line[0], "left_out", entries] : [line[0], "left_out", entries, from.owner, from.epoch];
  return [...lines.slice(0, gap === undefined ? index : index - 1), wider, ...lines.slice(index + 1)];
}
