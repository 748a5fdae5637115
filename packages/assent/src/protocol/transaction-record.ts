// The transaction record and the rules for writing it (C2, C3, R1, R2, R5). Every write is a compare-and-set on
// (state, epoch, owner); repeating a write that was applied is answered like the first time.
import { invariant } from "./invariant.ts";
import type { Json } from "./json.ts";
import type { Limits } from "./limits.ts";
import type { Decision, Protocol } from "./verbs.ts";

export type TransactionState = "active" | "committing" | "aborting" | "committed" | "aborted";

/** Why a transaction cannot be finished now. A note on the record, never a state (R4). */
export interface ParkNote {
  readonly reason: string;
  readonly since: number;
  readonly attempts: number;
}

/** Who asked for something by hand, and why. */
export interface OperatorNote {
  readonly by: string;
  readonly why: string;
}

export interface TransactionRecord {
  readonly txId: string;
  /** The row the transaction belongs to (an order). */
  readonly key: string;
  readonly definition: string;
  readonly definitionHash: number;
  readonly protocol: Protocol;
  readonly state: TransactionState;
  readonly epoch: number;
  /** Instance and start nonce: a restarted process is another owner (R1). */
  readonly owner: string;
  readonly begunAt: number;
  readonly deadlineAt: number;
  /** The row that `begin` returned; the branch list follows from it and the pinned definition. */
  readonly input: Json;
  /** Why it was aborted. */
  readonly reason?: string;
  /** The step that the abort is due to, where one is. */
  readonly step?: string;
  /** Who cancelled it. */
  readonly operator?: OperatorNote;
  readonly changedAt: number;
  /** The log had lost or removed the record, and a branch's question brought it back (R5). */
  readonly rebuilt?: true;
  readonly parked?: ParkNote;
}

/** Who is writing: the pair that a compare-and-set compares. */
export interface Claimant {
  readonly owner: string;
  readonly epoch: number;
}

export type RecordWrite =
  | { readonly kind: "written"; readonly record: TransactionRecord }
  /** The same write was applied before. */
  | { readonly kind: "repeated"; readonly record: TransactionRecord }
  /** Another owner, epoch or decision holds the record; nothing was written. */
  | { readonly kind: "lost"; readonly record: TransactionRecord };

const decided: Readonly<Record<Decision, TransactionState>> = { commit: "committing", abort: "aborting" };
const ended: Readonly<Record<Decision, TransactionState>> = { commit: "committed", abort: "aborted" };

/** The decision that a record holds, if any. */
export function decisionOf(record: TransactionRecord): Decision | undefined {
  switch (record.state) {
    case "active":
      return undefined;
    case "committing":
    case "committed":
      return "commit";
    case "aborting":
    case "aborted":
      return "abort";
  }
}

export function isEnded(record: TransactionRecord): boolean {
  return record.state === "committed" || record.state === "aborted";
}

/** An outcome outlives the records of its branches, which are kept for 2 × `maxAgeMs`. */
const outcomeMaxAges = 4;

/**
 * P7: until when the outcome of an ended record is kept, at least. Counted from its end: however long phase 2 took,
 * branches find the outcome when they ask.
 */
export function outcomeKeptUntil({ changedAt }: TransactionRecord, { maxAgeMs }: Pick<Limits, "maxAgeMs">): number {
  return changedAt + outcomeMaxAges * maxAgeMs;
}

/** P7: whether branches may still wait for `forget`. A backward-final branch never asks, and is removed by its age. */
export function awaitsForget(record: TransactionRecord): boolean {
  return decisionOf(record) === "commit";
}

/** C2: the first decision wins and never changes. */
export function writeDecision(
  record: TransactionRecord,
  claimant: Claimant,
  by: {
    readonly decision: Decision;
    readonly reason?: string | undefined;
    readonly step?: string | undefined;
    readonly operator?: OperatorNote | undefined;
    readonly now: number;
  },
): RecordWrite {
  const { decision, reason = "aborted", step, operator, now } = by;
  if (!holds(record, claimant)) return { kind: "lost", record };
  const current = decisionOf(record);
  if (current === decision) return { kind: "repeated", record };
  if (current !== undefined) return { kind: "lost", record };
  invariant(record.state === "active", "C2", "only an active record is decided");
  const next = { ...unparked(record), state: decided[decision], changedAt: now };
  if (decision === "commit") return { kind: "written", record: next };
  const why = { reason, ...(step !== undefined && { step }), ...(operator !== undefined && { operator }) };
  return { kind: "written", record: { ...next, ...why } };
}

/** The transaction leaves the active index: every branch has acknowledged phase 2. */
export function writeEnd(record: TransactionRecord, claimant: Claimant, now: number): RecordWrite {
  if (!holds(record, claimant)) return { kind: "lost", record };
  if (isEnded(record)) return { kind: "repeated", record };
  const decision = decisionOf(record);
  // The log lost the decision that this end follows from: the record is to be recovered, not ended (R3).
  if (decision === undefined) return { kind: "lost", record };
  return { kind: "written", record: { ...unparked(record), state: ended[decision], changedAt: now } };
}

/** R2: ownership moves to an epoch never used before, if the record is still as the taker saw it. */
export function writeTakeover(
  record: TransactionRecord,
  { seen, taker, now }: { seen: Claimant; taker: Claimant; now: number },
): RecordWrite {
  if (holds(record, taker)) return { kind: "repeated", record };
  if (!holds(record, seen) || isEnded(record) || taker.epoch <= record.epoch) return { kind: "lost", record };
  const { owner, epoch } = taker;
  return { kind: "written", record: { ...record, owner, epoch, changedAt: now } };
}

/** R4: parking is a note; it changes neither state nor ownership. */
export function writePark(record: TransactionRecord, claimant: Claimant, parked: ParkNote): RecordWrite {
  if (!holds(record, claimant) || isEnded(record)) return { kind: "lost", record };
  return { kind: "written", record: { ...record, parked } };
}

/** R2: an epoch never used before: above the record's, above the highest seen, and not below the clock. */
export function nextEpoch(...lowerBounds: readonly number[]): number {
  const [now = 0, ...seen] = lowerBounds;
  const next = seen.reduce((highest, epoch) => Math.max(highest, epoch + 1), now);
  invariant(Number.isSafeInteger(next), "R2", `${next} is no epoch that a message can carry`);
  return next;
}

function holds(record: TransactionRecord, claimant: Claimant): boolean {
  return record.owner === claimant.owner && record.epoch === claimant.epoch;
}

function unparked(record: TransactionRecord): TransactionRecord {
  const { parked: _parked, ...rest } = record;
  return rest;
}
