// Branch records as their table holds them.
import {
  type BranchRecord,
  type Command,
  type JsonObject,
  type Limits,
  removableAt,
  shouldAsk,
} from "assent/internal/protocol";
import { type Columns, fromColumns, moreOf, type TableOf, toColumns } from "./table-columns.ts";

export type Lifetimes = Pick<Limits, "maxAgeMs" | "askAfterMs" | "clockSkewMs">;

export const branchTable: TableOf = {
  name: "assent_branches",
  columns: {
    tx_id: "text",
    branch_id: "text",
    protocol: "text",
    state: "text",
    epoch: "bigint",
    begun_at: "bigint",
    changed_at: "bigint",
    payload_hash: "bigint",
    refusal: "text",
    forgotten: "boolean",
    asks_at: "bigint",
    removable_at: "bigint",
    payload: "json",
    memo: "json",
    output: "json",
    origin: "text",
    more: "json",
  },
};

/** The state of a row that holds a place for a record, in the transaction that made it. */
const placeState = "none";

/** A row that holds the place of a branch without a record, for the transaction that makes it. */
export function placeOf({ txId, branchId, protocol, epoch, begunAt }: Command): Columns {
  return toColumns(branchTable, {
    tx_id: txId,
    branch_id: branchId,
    protocol,
    state: placeState,
    epoch,
    begun_at: begunAt,
    changed_at: begunAt,
    forgotten: false,
  });
}

/** A record, and from when it asks what became of its transaction. */
export interface FoundBranch {
  readonly record: BranchRecord;
  readonly asksAt: number | undefined;
}

/** The record, without what it needs for its questions once it asks no more. */
export function columnsOfBranch(record: BranchRecord, before: FoundBranch | undefined, limits: Lifetimes): Columns {
  const { txId, branchId, protocol, state, epoch, begunAt, changedAt, payloadHash, refusal, ...others } = record;
  const { forgotten, payload, memo, output, origin, ...more } = others;
  const asks = shouldAsk(record);
  return toColumns(branchTable, {
    tx_id: txId,
    branch_id: branchId,
    protocol,
    state,
    epoch,
    begun_at: begunAt,
    changed_at: changedAt,
    payload_hash: payloadHash,
    refusal,
    forgotten,
    asks_at: asks ? (before?.asksAt ?? begunAt + limits.askAfterMs) : undefined,
    removable_at: removableAt(record, limits),
    payload,
    memo,
    output,
    origin: asks ? origin : undefined,
    more: moreOf(more),
  });
}

/** Undefined for a place that holds no record. */
export function branchOfColumns(columns: JsonObject): FoundBranch | undefined {
  const { tx_id, branch_id, begun_at, changed_at, payload_hash, asks_at, ...others } = fromColumns(
    branchTable,
    columns,
  );
  const { removable_at: _due, more, ...named } = others;
  if (named["state"] === placeState) return undefined;
  const record: unknown = {
    ...named,
    ...(more as object | undefined),
    txId: tx_id,
    branchId: branch_id,
    begunAt: begun_at,
    changedAt: changed_at,
    ...(payload_hash !== undefined && { payloadHash: payload_hash }),
  };
  return { record: record as BranchRecord, asksAt: asks_at === undefined ? undefined : Number(asks_at) };
}
