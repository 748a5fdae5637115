// The statements of the log. `$1` is the coordinator: what it has not written, it does not see.
import { fixedColumns, leaseTable, rowTable, transactionTable } from "./stored-log.ts";
import { assignmentsOf, givenOf, jsonOfRow, listOf, rowOf, rowsOf, type TableOf } from "./table-columns.ts";

/** Names the database transaction, so that a write can check that it still is in it. */
export const currentTransaction = "pg_current_xact_id()::text";

/** D1: a commit of this transaction is reported once it is on disk, whatever the session or a handler has set. */
export const isDurable = "current_setting('synchronous_commit') <> 'off'";

/** Why a write that checks both has changed nothing. */
export const endedOrLossy =
  "ended the transaction that it was given, or set its synchronous_commit to off, which may lose it (rule D1)";

/** Store time. Last in a row of what is locked, it is read once the locks are held. */
export const storeTime = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const isUnfinished = "state IN ('active', 'committing', 'aborting')";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- a list of texts
export function logStatements(schema: string, { acceptsLoss = false }: { readonly acceptsLoss?: boolean } = {}) {
  const nameOf = ({ name }: TableOf): string => `${quoted(schema)}.${name}`;
  const [transactions, rows, leases] = [transactionTable, rowTable, leaseTable].map(nameOf) as [string, string, string];
  const record = jsonOfRow(transactionTable, "t");
  const row = jsonOfRow(rowTable, "r");
  const locked = (columns: string): string =>
    `SELECT json_build_object(${columns}, 'transaction', ${currentTransaction}, 'now', ${storeTime})::text`;
  const recordLock = `t AS MATERIALIZED (
    SELECT * FROM ${transactions} WHERE coordinator = $1 AND tx_id = $2 FOR UPDATE)`;
  const upsert = (table: TableOf): string => `INSERT INTO ${nameOf(table)} (coordinator, ${listOf(table)})
    SELECT $1, ${givenOf(table)} FROM ${rowsOf(table, "$2")}`;

  return {
    lockRecord: `WITH ${recordLock} ${locked(`'record', (SELECT ${record} FROM t)`)}`,
    lockRecordAndRow: `WITH ${recordLock}, r AS MATERIALIZED (
      SELECT r.* FROM ${rows} r JOIN t ON r.coordinator = t.coordinator AND r.key = t.key FOR UPDATE OF r)
      ${locked(`'record', (SELECT ${record} FROM t), 'row', (SELECT ${row} FROM r)`)}`,
    lockRow: `WITH r AS MATERIALIZED (SELECT * FROM ${rows} WHERE coordinator = $1 AND key = $2 FOR UPDATE)
      ${locked(`'row', (SELECT ${row} FROM r)`)}`,
    /** Of a record that another is locked for. */
    readRecord: `SELECT ${record}::text FROM ${transactions} t WHERE coordinator = $1 AND tx_id = $2`,
    readRow: `SELECT ${row}::text FROM ${rows} r WHERE coordinator = $1 AND key = $2`,
    addRecord: `${upsert(transactionTable)}
      ON CONFLICT (coordinator, tx_id) DO UPDATE SET ${assignmentsOf(transactionTable)}`,
    changeRecord: `UPDATE ${transactions} t SET ${changesOf(transactionTable)}
      FROM ${rowOf(transactionTable, "$2")} WHERE t.coordinator = $1 AND t.tx_id = $3
        AND ${currentTransaction} = $4 AND ${acceptsLoss ? "true" : isDurable} RETURNING '{}'`,
    putRows: `${upsert(rowTable)} ON CONFLICT (coordinator, key) DO UPDATE SET ${assignmentsOf(rowTable)}`,
    addRow: `${upsert(rowTable)} ON CONFLICT DO NOTHING RETURNING '{}'`,

    /** From each owner to the next one, by the index of the unfinished (R7). */
    owners: (first: ">" | ">="): string => `WITH RECURSIVE owners AS (
      (SELECT owner FROM ${transactions} WHERE coordinator = $1 AND ${isUnfinished} AND owner ${first} $2
        ORDER BY owner LIMIT 1)
      UNION ALL
      SELECT (SELECT t.owner FROM ${transactions} t
        WHERE t.coordinator = $1 AND t.${isUnfinished} AND t.owner > owners.owner ORDER BY t.owner LIMIT 1)
      FROM owners WHERE owners.owner IS NOT NULL
    ) SELECT json_build_object('owner', owner)::text FROM owners WHERE owner IS NOT NULL LIMIT $3::bigint`,
    unfinished: `SELECT ${record}::text FROM ${transactions} t
      WHERE coordinator = $1 AND owner = $2 AND ${isUnfinished}
        AND (deadline_at, tx_id) > ($3::bigint, $4::text COLLATE "C") AND deadline_at < $5::bigint
      ORDER BY deadline_at, tx_id LIMIT $6::bigint`,
    removable: `SELECT ${record}::text FROM (
        SELECT * FROM ${transactions} WHERE coordinator = $1 AND removable_at < $2::bigint
        ORDER BY removable_at, tx_id LIMIT $3::bigint FOR UPDATE SKIP LOCKED
      ) t ORDER BY removable_at, tx_id`,
    remove: `DELETE FROM ${transactions} t USING ${placesOf("$2")}
      WHERE t.coordinator = $1 AND t.tx_id = place.tx_id AND t.removable_at = place.due_at`,
    postpone: `UPDATE ${transactions} t SET removable_at = place.until FROM ${placesOf("$2")}
      WHERE t.coordinator = $1 AND t.tx_id = place.tx_id AND t.removable_at = place.due_at`,

    readLease: `SELECT json_build_object('now', ${storeTime}, 'grant', (
      SELECT ${jsonOfRow(leaseTable, "l")} FROM ${leases} l WHERE coordinator = $1 AND name = $2))::text`,
    lockLease: `WITH l AS MATERIALIZED (SELECT * FROM ${leases} WHERE coordinator = $1 AND name = $2 FOR UPDATE)
      ${locked(`'grant', (SELECT ${jsonOfRow(leaseTable, "l")} FROM l)`)}`,
    addLease: `${upsert(leaseTable)} ON CONFLICT DO NOTHING RETURNING '{}'`,
    putLease: `${upsert(leaseTable)} ON CONFLICT (coordinator, name) DO UPDATE SET ${assignmentsOf(leaseTable)}`,
    removeLeases: `DELETE FROM ${leases} WHERE coordinator = $1 AND name IN (SELECT name FROM ${leases}
      WHERE coordinator = $1 AND until <= $2::bigint LIMIT $3::bigint FOR UPDATE SKIP LOCKED)`,
  };
}

export type LogStatements = ReturnType<typeof logStatements>;

/** A name of the application's, which may be any. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function changesOf(table: TableOf): string {
  return Object.entries(table.columns)
    .filter(([name]) => !fixedColumns.includes(name))
    .map(([name, type]) => `${name} = given.${name}${type === "json" ? "::json" : ""}`)
    .join(", ");
}

function placesOf(parameter: string): string {
  return `json_to_recordset(${parameter}::text::json) AS place (tx_id text, due_at bigint, until bigint)`;
}
