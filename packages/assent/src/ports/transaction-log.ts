// The log of transactions, with the rows they belong to. A row and its transaction change in one atomic step (C4).
import type {
  Decision,
  Json,
  JsonObject,
  OperatorNote,
  ParkNote,
  Protocol,
  RecordWrite,
  HistoryEntry,
  TransactionRecord,
} from "../protocol/index.ts";

/** What became of the latest attempt at a row's transaction: for ever when committed, else until the next attempt. */
export type RowOutcome = "none" | "pending" | "committed" | "aborted";

/** A row of the caller's own, such as an order. The header is kept by the log, the fields are the caller's. */
export interface Row {
  readonly key: string;
  /**
   * New at every creation and seeding, so that nothing of an earlier incarnation is mistaken for this one. Without a
   * colon.
   */
  readonly incarnation: string;
  /** Number of the latest attempt; 0 before the first. */
  readonly attempt: number;
  readonly outcome: RowOutcome;
  /**
   * The definition that the key belongs to: the first one that began an attempt in this life of the row. Missing before
   * that, and in rows of versions that did not keep it.
   */
  readonly definition?: string;
  /** Why the latest attempt was aborted. */
  readonly reason?: string;
  readonly fields: JsonObject;
}

/** A condition on one field. All that are given must hold; an absent field meets none. */
export interface FieldCondition {
  readonly field: string;
  readonly is?: Json;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Local work as data: what a store does to a row in the same atomic step as the log write. */
export interface RowChange {
  readonly expect?: readonly FieldCondition[];
  readonly set?: JsonObject;
  readonly increment?: Readonly<Record<string, number>>;
  /** Adds one element to the end of a list field. */
  readonly append?: JsonObject;
}

export interface BeginRequest {
  readonly key: string;
  /**
   * The row to begin with when there is none. If there is one, its incarnation must be the same: let it follow from the
   * content, so that a repeat is distinguished from another request with the same key, even if the log lost the row
   * (T3).
   */
  readonly create?: { readonly incarnation: string; readonly fields: JsonObject };
  readonly change?: RowChange;
  readonly definition: string;
  readonly definitionHash: number;
  readonly protocol: Protocol;
  readonly owner: string;
  readonly begunAt: number;
  readonly deadlineAt: number;
  /** How long a failed attempt whose branches have not all released holds back the next one. */
  readonly releaseWaitMs: number;
}

export type BeginResult =
  | { readonly kind: "begun"; readonly record: TransactionRecord }
  | { readonly kind: "absent" }
  /** The key belongs to another definition; nothing was changed, and its outcome is not reported. */
  | { readonly kind: "key_reused"; readonly definition: string }
  /** The row does not meet the conditions, or is not the one of `create`; nothing was changed. */
  | { readonly kind: "unmet"; readonly row: Row }
  | { readonly kind: "in_flight"; readonly txId: string }
  /** The latest attempt failed and its branches have not all released yet. */
  | { readonly kind: "releasing"; readonly txId: string }
  | { readonly kind: "committed"; readonly txId: string };

export interface DecideRequest {
  readonly txId: string;
  readonly owner: string;
  readonly epoch: number;
  readonly decision: Decision;
  readonly reason?: string;
  /** The step that an abort is due to; kept in the record. */
  readonly step?: string;
  /** Who cancelled it; kept in the record and in its history. */
  readonly operator?: OperatorNote;
  /** Applied to the row with a commit. */
  readonly change?: RowChange;
}

/** `absent`: there is no such record (a store lost it); nothing was written. */
export type OwnedWrite = RecordWrite | { readonly kind: "absent" };

/** `unmet`: the row is not of this attempt any more, or its conditions fail; a commit was not written. */
export type DecideResult = OwnedWrite | { readonly kind: "unmet" };

export interface TakeOverRequest {
  readonly txId: string;
  readonly seen: { readonly owner: string; readonly epoch: number };
  readonly taker: { readonly owner: string; readonly epoch: number };
}

export interface OwnedRequest {
  readonly txId: string;
  readonly owner: string;
  readonly epoch: number;
}

/** A record's place among those of its owner. */
export type UnfinishedPlace = Pick<TransactionRecord, "deadlineAt" | "txId">;

export interface UnfinishedRange {
  /** Left out, whatever their deadline. */
  readonly deadlineBefore?: number;
  /** Such as the last record of the page before. */
  readonly after?: UnfinishedPlace;
  readonly limit: number;
}

/** An ended record whose time is over, and when it fell due. */
export interface Removable {
  readonly dueAt: number;
  readonly record: TransactionRecord;
}

/** An ended record among those that may be removed. */
export interface RemovablePlace {
  readonly dueAt: number;
  readonly txId: string;
}

export interface Postponed extends RemovablePlace {
  /** Store time at which it falls due again. */
  readonly untilMs: number;
}

export interface LogSweep {
  /** Records to remove once their branches have forgotten (P7), by due time. Due until removed or postponed. */
  readonly removable: readonly Removable[];
  /** The limit was reached, so more may be due. */
  readonly more: boolean;
}

/**
 * Every method resolves only when its answer is durable (C3). A rejection means unknown, never refused (C2); only
 * an error with `changed: "nothing"` says that nothing was written.
 */
export interface TransactionLog {
  begin(request: BeginRequest): Promise<BeginResult>;
  decide(request: DecideRequest): Promise<DecideResult>;
  end(request: OwnedRequest): Promise<OwnedWrite>;
  takeOver(request: TakeOverRequest): Promise<OwnedWrite>;
  park(request: OwnedRequest & { readonly note: ParkNote }): Promise<OwnedWrite>;
  read(txId: string): Promise<TransactionRecord | undefined>;
  /** The row of a key as the log knows it, with the outcome of its latest attempt. Changes nothing, begins nothing. */
  peek(key: string): Promise<Row | undefined>;
  /**
   * The history: what every write of the record did, oldest first; empty if the log has no such record. An entry
   * is written in the same atomic step as the write it describes, never changes, and is removed with the record
   * (`sweep`). Beyond `historyEntriesMax` the oldest takeovers and parkings are replaced by an entry that counts them.
   */
  history(txId: string): Promise<readonly HistoryEntry[]>;
  /**
   * Owners of records that have not ended, in the order of their code units or of their bytes, from after the given
   * one. Costs no more for many records.
   */
  owners(after: string | undefined, limit: number): Promise<readonly string[]>;
  /**
   * Records of an owner that have not ended, by deadline and then txId; a page with fewer than `limit` is the last.
   * Costs what it answers, however many others there are (R7).
   */
  unfinished(owner: string, range: UnfinishedRange): Promise<readonly TransactionRecord[]>;
  /**
   * R5: creates the given record if there is none, claiming its row again; answers the record in force. Undefined where
   * the key belongs to another definition: nothing was changed. Rejects, with nothing changed, when the attempt is
   * further ahead of its row than a log can lose (`lostAttemptsMax`).
   */
  rebuild(record: TransactionRecord): Promise<TransactionRecord | undefined>;
  /**
   * Looks at up to `limit` records that ended long ago (P7): removes those that no branch can ask about, and answers
   * the others.
   */
  sweep(limit: number): Promise<LogSweep>;
  /** Removes records of a sweep; skips those that are no longer due. */
  remove(places: readonly RemovablePlace[]): Promise<void>;
  /** Postpones records of a sweep; skips those that are no longer due. */
  postpone(places: readonly Postponed[]): Promise<void>;
}

export type RowWrite =
  | { readonly kind: "changed"; readonly row: Row }
  | { readonly kind: "absent" }
  | { readonly kind: "unmet"; readonly row: Row };

/** The rows beside the log, for the service that owns them. A pending or committed row is never changed: `unmet`. */
export interface RowStore {
  /** Puts a new row, with no attempt behind it, in place of whatever the key held. */
  putRow(key: string, incarnation: string, fields: JsonObject): Promise<void>;
  /** The same for many rows, in one atomic step. */
  putRows(incarnation: string, rows: readonly (readonly [key: string, fields: JsonObject])[]): Promise<void>;
  readRow(key: string): Promise<Row | undefined>;
  changeRow(key: string, change: RowChange): Promise<RowWrite>;
}
