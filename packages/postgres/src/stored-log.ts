// The log's rows, records and grants as their tables hold them. What a later version of the library keeps besides is in
// the column `more`, so nothing is lost by a process of this version.
import { type StoredRecord, withoutHistory } from "assent/internal/engine";
import type { LeaseGrant, Row } from "assent/internal/ports";
import {
  isEnded,
  type Json,
  type JsonObject,
  type Limits,
  outcomeKeptUntil,
  type RecordHistory,
  type HistoryLine,
  type TransactionRecord,
} from "assent/internal/protocol";
import { originalText, storedText } from "./stored-text.ts";
import { type Columns, fromColumns, moreOf, type TableOf, toColumns } from "./table-columns.ts";

export const transactionTable: TableOf = {
  name: "assent_transactions",
  columns: {
    tx_id: "text",
    key: "text",
    definition: "text",
    definition_hash: "bigint",
    protocol: "text",
    state: "text",
    owner: "text",
    epoch: "bigint",
    begun_at: "bigint",
    deadline_at: "bigint",
    changed_at: "bigint",
    reason: "text",
    rebuilt: "boolean",
    parked_reason: "text",
    parked_since: "bigint",
    parked_attempts: "bigint",
    removable_at: "bigint",
    input: "json",
    trail: "json",
    more: "json",
  },
};

/** What no write of a record changes. */
export const fixedColumns: readonly string[] = [
  "tx_id",
  "key",
  "definition",
  "definition_hash",
  "protocol",
  "begun_at",
  "deadline_at",
  "input",
];

export const rowTable: TableOf = {
  name: "assent_rows",
  columns: {
    key: "text",
    incarnation: "text",
    attempt: "bigint",
    outcome: "text",
    definition: "text",
    reason: "text",
    fields: "json",
    more: "json",
  },
};

export const leaseTable: TableOf = {
  name: "assent_leases",
  columns: { name: "text", holder: "text", counter: "bigint", until: "bigint" },
};

export function columnsOfRecord(stored: StoredRecord, limits: Pick<Limits, "maxAgeMs">): Columns {
  const { txId, key, definition, definitionHash, protocol, state, owner, epoch, ...others } = stored;
  const { begunAt, deadlineAt, changedAt, reason, rebuilt, parked, input, trail: lines = [], ...more } = others;
  return toColumns(transactionTable, {
    tx_id: txId,
    key,
    definition,
    definition_hash: definitionHash,
    protocol,
    state,
    owner,
    epoch,
    begun_at: begunAt,
    deadline_at: deadlineAt,
    changed_at: changedAt,
    reason,
    rebuilt,
    parked_reason: parked?.reason,
    parked_since: parked?.since,
    parked_attempts: parked?.attempts,
    removable_at: isEnded(stored) ? outcomeKeptUntil(withoutHistory(stored), limits) : undefined,
    input,
    trail: mapped(lines, storedText) as Json,
    more: moreOf(more),
  });
}

export function recordOfColumns(columns: JsonObject): StoredRecord {
  const {
    tx_id,
    definition_hash,
    begun_at,
    deadline_at,
    changed_at,
    trail: stored,
    more,
    ...others
  } = fromColumns(transactionTable, columns);
  const { parked_reason, parked_since, parked_attempts, removable_at: _due, ...named } = others;
  const parked = { reason: parked_reason, since: parked_since, attempts: parked_attempts };
  const lines = mapped(stored as unknown as RecordHistory, originalText);
  return {
    ...named,
    ...(more as object | undefined),
    txId: tx_id,
    definitionHash: definition_hash,
    begunAt: begun_at,
    deadlineAt: deadline_at,
    changedAt: changed_at,
    ...(parked_reason !== undefined && { parked }),
    ...(lines.length > 0 && { trail: lines }),
  } as unknown as StoredRecord;
}

export function plainRecord(columns: JsonObject): TransactionRecord {
  return withoutHistory(recordOfColumns(columns));
}

export function columnsOfRow(row: Row): Columns {
  const { key, incarnation, attempt, outcome, definition, reason, fields, ...more } = row;
  const known = { key, incarnation, attempt, outcome, definition, reason, fields };
  return toColumns(rowTable, { ...known, more: moreOf(more) });
}

export function rowOfColumns(columns: JsonObject): Row {
  const { more, ...row } = fromColumns(rowTable, columns);
  return { ...row, ...(more as object | undefined) } as unknown as Row;
}

export function columnsOfGrant(name: string, grant: LeaseGrant): Columns {
  return toColumns(leaseTable, { name, ...grant });
}

export function grantOfColumns(columns: JsonObject): LeaseGrant {
  const { holder, counter, until } = fromColumns(leaseTable, columns);
  return { counter, holder, until } as unknown as LeaseGrant;
}

/** A history with its texts converted. */
function mapped(history: RecordHistory, form: (text: string) => string): RecordHistory {
  const parts = (line: HistoryLine): readonly unknown[] => line;
  const changed = history.map((line) => parts(line).map((part) => (typeof part === "string" ? form(part) : part)));
  return changed as unknown as RecordHistory;
}
