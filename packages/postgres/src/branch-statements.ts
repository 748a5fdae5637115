// The statements of the branches. `$1` is the service: what it has not written, it does not see.
import { currentTransaction, isDurable, quoted, storeTime } from "./log-statements.ts";
import { branchTable } from "./stored-branch.ts";
import { assignmentsOf, givenOf, jsonOfRow, listOf, rowOf } from "./table-columns.ts";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- a list of texts
export function branchStatements(schema: string, { acceptsLoss = false }: { readonly acceptsLoss?: boolean } = {}) {
  const branches = `${quoted(schema)}.${branchTable.name}`;
  const record = jsonOfRow(branchTable, "b");
  const locked = `'now', ${storeTime}, 'transaction', ${currentTransaction}`;
  const changes = assignmentsOf(branchTable, ["tx_id", "branch_id"]).replaceAll("excluded.", "");
  const given = changes.replaceAll(/ = (\w+)/g, (_, name: string) => {
    const isJson = branchTable.columns[name] === "json";
    return ` = given.${name}${isJson ? "::json" : ""}`;
  });
  return {
    /** The record, where there is one. */
    lock: `WITH b AS MATERIALIZED (
        SELECT * FROM ${branches} WHERE service = $1 AND tx_id = $2 AND branch_id = $3 FOR UPDATE)
      SELECT json_build_object('record', (SELECT ${record} FROM b), ${locked})::text`,
    /** The record, or a place for one. A copy of the command that runs at the same time waits here. */
    take: `INSERT INTO ${branches} AS b (service, ${listOf(branchTable)})
      SELECT $1, ${givenOf(branchTable)} FROM ${rowOf(branchTable, "$2")}
      ON CONFLICT (service, tx_id, branch_id) DO UPDATE SET tx_id = excluded.tx_id
      RETURNING json_build_object('record', ${record}, ${locked})::text`,
    write: `UPDATE ${branches} b SET ${given} FROM ${rowOf(branchTable, "$4")}
      WHERE b.service = $1 AND b.tx_id = $2 AND b.branch_id = $3
        AND ${currentTransaction} = $5 AND ${acceptsLoss ? "true" : isDurable} RETURNING '{}'`,
    current: `SELECT json_build_object('transaction', ${currentTransaction})::text`,
    /** Of a transaction that is over. */
    fate: `SELECT json_build_object('status', pg_xact_status($1::xid8))::text`,
    now: `SELECT json_build_object('now', ${storeTime})::text`,
    /** Those that are due to ask fall due again later. */
    asking: `WITH due AS MATERIALIZED (
        SELECT tx_id, branch_id, asks_at FROM ${branches} WHERE service = $1 AND asks_at < $2::bigint
        ORDER BY asks_at, tx_id, branch_id LIMIT $4::bigint FOR UPDATE SKIP LOCKED)
      UPDATE ${branches} b SET asks_at = $3::bigint FROM due
      WHERE b.service = $1 AND b.tx_id = due.tx_id AND b.branch_id = due.branch_id
      RETURNING json_build_object('dueAt', due.asks_at, 'record', ${record})::text`,
    removeOld: `WITH old AS MATERIALIZED (
        SELECT tx_id, branch_id FROM ${branches} WHERE service = $1 AND removable_at < $2::bigint
        ORDER BY removable_at, tx_id, branch_id LIMIT $3::bigint FOR UPDATE SKIP LOCKED)
      DELETE FROM ${branches} b USING old
      WHERE b.service = $1 AND b.tx_id = old.tx_id AND b.branch_id = old.branch_id RETURNING '{}'`,
  };
}

export type BranchStatements = ReturnType<typeof branchStatements>;
