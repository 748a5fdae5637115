// The log, as the port `TransactionLog` and the rules promise it (C2, C4, C5, R1–R5, P7).
import type {
  BeginRequest,
  BeginResult,
  DecideRequest,
  DecideResult,
  LogSweep,
  OwnedRequest,
  OwnedWrite,
  Postponed,
  Removable,
  RemovablePlace,
  Row,
  TakeOverRequest,
  TransactionLog,
  UnfinishedPlace,
  UnfinishedRange,
} from "assent/internal/ports";
import {
  defaultLimits,
  lostAttemptsMax,
  type JsonObject,
  type ParkNote,
  type HistoryEntry,
  type TrailEvent,
  type TransactionRecord,
} from "assent/internal/protocol";
import { byBytes } from "./byte-order.ts";
import { Rejected, type Synchronous } from "./call.ts";
import { afterChange, type ModelRows } from "./model-rows.ts";
import { ModelHistories } from "./model-histories.ts";
import type { Surroundings } from "./surroundings.ts";

type Claim = Pick<OwnedRequest, "owner" | "epoch">;

/** Outcomes stay for four ages after their transaction ended (docs/explanation/protocol.md). */
export const outcomeKeptMs: number = 4 * defaultLimits.maxAgeMs;

export const hasEnded = ({ state }: TransactionRecord): boolean => state === "committed" || state === "aborted";

export class ModelLog implements Synchronous<TransactionLog> {
  readonly all = new Map<string, TransactionRecord>();
  readonly #histories = new ModelHistories();
  /** How long an outcome stays whose branches had not forgotten when it fell due. */
  readonly #kept = new Map<string, number>();
  readonly #rows: ModelRows;
  readonly #surroundings: Surroundings;

  constructor(rows: ModelRows, surroundings: Surroundings) {
    this.#rows = rows;
    this.#surroundings = surroundings;
  }

  begin(request: BeginRequest): BeginResult {
    const { key, definition, create, change, releaseWaitMs } = request;
    const { now, met } = this.#surroundings;
    const stored = this.#rows.all.get(key);
    const created: Row | undefined = create && { key, ...create, attempt: 0, outcome: "none" };
    const row = stored ?? created;
    if (row === undefined) return { kind: "absent" };
    if (isOfAnother(row, definition)) return { kind: "key_reused", definition: row.definition };
    if (create !== undefined && create.incarnation !== row.incarnation) {
      met("C4 begin with other content is unmet");
      return { kind: "unmet", row };
    }
    if (key === "") throw new Rejected("an attempt has a key");
    const latest = nameOfAttempt(row, row.attempt);
    if (row.outcome === "pending") return { kind: "in_flight", txId: latest };
    if (row.outcome === "committed") return { kind: "committed", txId: latest };
    const before = this.all.get(latest);
    // C5: a failed attempt that has not released everywhere holds back the next, for a while.
    if (row.outcome === "aborted" && before?.state === "aborting" && now() < before.changedAt + releaseWaitMs) {
      return { kind: "releasing", txId: latest };
    }
    const changed = afterChange(row, change);
    if (changed === undefined) return { kind: "unmet", row };
    if (stored === undefined) met("C4 begin creates its row");
    if (row.outcome === "aborted") met("C5 an attempt follows a failed one");
    const claimed = pending({ ...changed, definition }, row.attempt + 1);
    const record = this.#begun(request, claimed);
    this.#rows.all.set(key, claimed);
    this.#write(record, { event: "begun" });
    return { kind: "begun", record };
  }

  #begun(request: BeginRequest, row: Row): TransactionRecord {
    const { key, definition, definitionHash, protocol, owner, begunAt, deadlineAt } = request;
    const names = { txId: nameOfAttempt(row, row.attempt), key, definition, definitionHash, protocol, owner };
    const times = { begunAt, deadlineAt, changedAt: this.#surroundings.now(), epoch: begunAt };
    return { ...names, ...times, state: "active", input: row.fields };
  }

  decide({ txId, decision, reason = "aborted", step, operator, change, ...claim }: DecideRequest): DecideResult {
    const { met } = this.#surroundings;
    const record = this.all.get(txId);
    if (record === undefined) return { kind: "absent" };
    if (!isOwnedBy(record, claim)) return { kind: "lost", record };
    if (record.state !== "active") return { kind: isDecided(record, decision) ? "repeated" : "lost", record };
    const row = this.#rowOf(record);
    const { parked, ...rest } = record;
    if (parked !== undefined) met("R4 a decision takes the note away");
    if (decision === "abort") {
      if (row === undefined) met("C4 an abort does not change a row of another incarnation");
      else this.#rows.all.set(row.key, { ...row, outcome: "aborted", reason });
      const by = operator === undefined ? {} : { operator };
      const why = { reason, ...(step !== undefined && { step }), ...by };
      const aborting = { ...rest, state: "aborting", ...why, changedAt: this.#surroundings.now() } as const;
      return this.#written(aborting, { event: "decided", decision, reason, ...by });
    }
    if (row === undefined) met("C4 no commit of a row of another incarnation");
    const changed = row === undefined ? undefined : afterChange(row, change);
    if (changed === undefined) return { kind: "unmet" };
    this.#rows.all.set(changed.key, { ...changed, outcome: "committed" });
    const committing = { ...rest, state: "committing", changedAt: this.#surroundings.now() } as const;
    return this.#written(committing, { event: "decided", decision });
  }

  end({ txId, ...claim }: OwnedRequest): OwnedWrite {
    const record = this.all.get(txId);
    if (record === undefined) return { kind: "absent" };
    if (!isOwnedBy(record, claim) || record.state === "active") return { kind: "lost", record };
    if (hasEnded(record)) return { kind: "repeated", record };
    const { parked: _parked, ...rest } = record;
    const state = record.state === "committing" ? "committed" : "aborted";
    return this.#written({ ...rest, state, changedAt: this.#surroundings.now() }, { event: "ended" });
  }

  takeOver({ txId, seen, taker }: TakeOverRequest): OwnedWrite {
    const record = this.all.get(txId);
    if (record === undefined) return { kind: "absent" };
    if (isOwnedBy(record, taker)) return { kind: "repeated", record };
    if (!isOwnedBy(record, seen) || hasEnded(record)) return { kind: "lost", record };
    if (taker.epoch <= record.epoch) {
      this.#surroundings.met("R2 no takeover to an epoch that was used");
      return { kind: "lost", record };
    }
    if (record.state !== "active") this.#surroundings.met("R2 a decided record is taken over");
    const { owner, epoch } = taker;
    const from = { owner: record.owner, epoch: record.epoch };
    const taken = { ...record, owner, epoch, changedAt: this.#surroundings.now() };
    return this.#written(taken, { event: "taken_over", from });
  }

  park({ txId, note, ...claim }: OwnedRequest & { readonly note: ParkNote }): OwnedWrite {
    const record = this.all.get(txId);
    if (record === undefined) return { kind: "absent" };
    if (!isOwnedBy(record, claim) || hasEnded(record)) return { kind: "lost", record };
    const parked = { ...record, parked: note };
    if (record.parked?.reason !== note.reason) return this.#written(parked, { event: "parked", reason: note.reason });
    this.#surroundings.met("R4 a note is renewed");
    this.all.set(txId, parked);
    return { kind: "written", record: parked };
  }

  read(txId: string): TransactionRecord | undefined {
    return this.all.get(txId);
  }

  peek(key: string): Row | undefined {
    return this.#rows.all.get(key);
  }

  history(txId: string): readonly HistoryEntry[] {
    return this.#histories.of(txId);
  }

  owners(after: string | undefined, limit: number): readonly string[] {
    const owners = new Set(this.#open().map(({ owner }) => owner));
    return [...owners]
      .filter((owner) => after === undefined || owner > after)
      .sort()
      .slice(0, limit);
  }

  unfinished(
    owner: string,
    { deadlineBefore = Infinity, after, limit }: UnfinishedRange,
  ): readonly TransactionRecord[] {
    return this.#open()
      .filter((record) => record.owner === owner && record.deadlineAt < deadlineBefore)
      .filter((record) => after === undefined || byDeadline(record, after) > 0)
      .sort(byDeadline)
      .slice(0, limit);
  }

  #open(): TransactionRecord[] {
    return [...this.all.values()].filter((record) => !hasEnded(record));
  }

  /** R5: what the row still knows of the attempt says in which state its record comes back. */
  rebuild(lost: TransactionRecord): TransactionRecord | undefined {
    const existing = this.all.get(lost.txId);
    if (existing !== undefined) return existing;
    const remembered = this.#remembered(lost);
    if (remembered === "of_another") return undefined;
    const record = { ...lost, changedAt: this.#surroundings.now(), ...remembered };
    const { state, reason } = record;
    this.#write(record, { event: "rebuilt", state, ...(reason !== undefined && { reason }) });
    return record;
  }

  #remembered(lost: TransactionRecord): Partial<TransactionRecord> | "of_another" {
    const { met } = this.#surroundings;
    const { key, incarnation, attempt } = partsOf(lost.txId);
    if (key === "") throw new Rejected("an attempt has a key");
    const row = this.#rows.all.get(key);
    const isOfRow = row === undefined || row.incarnation === incarnation;
    if (isOfRow && attempt > (row?.attempt ?? 0) + lostAttemptsMax) throw new Rejected("the attempt is too far ahead");
    if (row === undefined) {
      met("R5 the row was lost too");
      const { definition, input } = lost;
      const fields = input as JsonObject;
      this.#rows.all.set(key, { key, incarnation, attempt, outcome: "pending", definition, fields });
      return {};
    }
    if (row.incarnation !== incarnation) {
      met("R5 the row has another incarnation");
      return {};
    }
    if (isOfAnother(row, lost.definition)) return "of_another";
    if (row.attempt > attempt || (row.attempt < attempt && row.outcome === "committed")) {
      met(row.attempt > attempt ? "R5 a later attempt was made" : "R5 an earlier attempt has succeeded");
      return { state: "aborting", reason: "superseded" };
    }
    if (row.attempt < attempt) {
      met("R5 the row is claimed again");
      this.#rows.all.set(key, pending({ ...row, definition: lost.definition }, attempt));
      return {};
    }
    met(row.outcome === "committed" ? "R5 the row says committed" : "R5 the row says aborted");
    return row.outcome === "committed"
      ? { state: "committing" }
      : { state: "aborting", reason: row.reason ?? "aborted" };
  }

  sweep(limit: number): LogSweep {
    const due = this.due().slice(0, limit);
    const failures = due.filter(({ record }) => record.state === "aborted");
    if (failures.length > 0) this.#surroundings.met("P7 a failure goes from the log");
    for (const { record } of failures) this.#forget(record.txId);
    return { removable: due.filter(({ record }) => record.state === "committed"), more: due.length === limit };
  }

  remove(places: readonly RemovablePlace[]): void {
    for (const place of places.filter((each) => this.#isThere(each))) {
      this.#surroundings.met("P7 a success goes from the log");
      this.#forget(place.txId);
    }
  }

  postpone(places: readonly Postponed[]): void {
    for (const { untilMs, ...place } of places.filter((each) => this.#isThere(each))) {
      this.#surroundings.met("P7 a success stays for longer");
      this.#kept.set(place.txId, untilMs);
    }
  }

  /** Ended records whose time is over, oldest first. */
  due(): readonly Removable[] {
    return [...this.all.values()]
      .filter((record) => hasEnded(record))
      .map((record) => ({ dueAt: this.#dueAt(record), record }))
      .filter(({ dueAt }) => dueAt < this.#surroundings.now())
      .sort((a, b) => a.dueAt - b.dueAt || byBytes(a.record.txId, b.record.txId));
  }

  /** The end is the last change of a record. */
  #dueAt({ txId, changedAt }: TransactionRecord): number {
    return this.#kept.get(txId) ?? changedAt + outcomeKeptMs;
  }

  #isThere({ dueAt, txId }: RemovablePlace): boolean {
    const record = this.all.get(txId);
    return record !== undefined && hasEnded(record) && this.#dueAt(record) === dueAt;
  }

  #forget(txId: string): void {
    this.all.delete(txId);
    this.#kept.delete(txId);
    this.#histories.remove(txId);
  }

  #write(record: TransactionRecord, event: TrailEvent): void {
    this.all.set(record.txId, record);
    this.#histories.add(record, this.#surroundings.now(), event);
  }

  #written(record: TransactionRecord, event: TrailEvent): OwnedWrite {
    this.#write(record, event);
    return { kind: "written", record };
  }

  /** C4: the row, if it still is of this incarnation and attempt. */
  #rowOf({ txId }: TransactionRecord): Row | undefined {
    const { key } = partsOf(txId);
    const row = this.#rows.all.get(key);
    return row !== undefined && nameOfAttempt(row, row.attempt) === txId ? row : undefined;
  }
}

const byDeadline = (a: UnfinishedPlace, b: UnfinishedPlace): number =>
  a.deadlineAt - b.deadlineAt || byBytes(a.txId, b.txId);

const isOwnedBy = (record: TransactionRecord, { owner, epoch }: Claim): boolean =>
  record.owner === owner && record.epoch === epoch;

const isDecided = ({ state }: TransactionRecord, decision: DecideRequest["decision"]): boolean =>
  decision === "commit" ? state.startsWith("committ") : state.startsWith("abort");

const nameOfAttempt = ({ key, incarnation }: Row, attempt: number): string => `${key}:${incarnation}:${attempt}`;

/** Keys and incarnations of the oracle have no colon. */
function partsOf(txId: string): { readonly key: string; readonly incarnation: string; readonly attempt: number } {
  const [key = "", incarnation = "", attempt = ""] = txId.split(":");
  return { key, incarnation, attempt: Number(attempt) };
}

const isOfAnother = (row: Row, definition: string): row is Row & { readonly definition: string } =>
  row.definition !== undefined && row.definition !== definition;

function pending({ reason: _reason, ...row }: Row, attempt: number): Row {
  return { ...row, attempt, outcome: "pending" };
}
