// Two services over tables of their own in one database: wallets that pay, and flights that give seats. Both take an
// amount of what is free, and keep what each branch has taken.
import type { AsyncBranchHandler, AsyncBranchStep } from "assent/internal/participant";
import type { Json, ActionResult } from "assent/internal/protocol";
import type { Pool, PoolClient } from "pg";

export const services = ["wallets", "flights"] as const;

interface Wanted {
  readonly name: string;
  readonly amount: number;
}

type Step = AsyncBranchStep<PoolClient>;

/** Makes the tables, with the same amount under each name. */
export async function makeShop(pool: Pool, schema: string, stock: { names: number; free: number }): Promise<void> {
  await pool.query(`
    CREATE TABLE ${schema}.stock (
      service text, name text, free integer NOT NULL CHECK (free >= 0), PRIMARY KEY (service, name));
    CREATE TABLE ${schema}.takings (
      service text, tx_id text, branch_id text, name text, amount integer NOT NULL, state text NOT NULL,
      PRIMARY KEY (service, tx_id, branch_id))`);
  await pool.query(
    `INSERT INTO ${schema}.stock SELECT service, name::text, $1
      FROM unnest(ARRAY['wallets', 'flights']) AS service, generate_series(1, $2) AS name`,
    [stock.free, stock.names],
  );
}

export function stockHandler(service: (typeof services)[number], schema: string): AsyncBranchHandler<PoolClient> {
  const add = async ({ db, payload }: Step, sign: 1 | -1): Promise<void> => {
    const { name, amount } = payload as unknown as Wanted;
    const change = `UPDATE ${schema}.stock SET free = free + $1 WHERE service = $2 AND name = $3`;
    await db.query(change, [sign * amount, service, name]);
  };
  const take = async (step: Step, state: "held" | "spent"): Promise<ActionResult> => {
    const { db, txId, branchId, payload } = step;
    const { name, amount } = payload as unknown as Wanted;
    const taking = `INSERT INTO ${schema}.takings VALUES ($1, $2, $3, $4, $5, $6)`;
    await db.query(taking, [service, txId, branchId, name, amount, state]);
    try {
      await add(step, -1);
    } catch (error) {
      // The table says when there is not enough.
      if (error instanceof Error && "code" in error && error.code === "23514") {
        return { kind: "refused", reason: "not_enough" };
      }
      throw error;
    }
    return { kind: "ok", output: { left: txId } as Json };
  };
  const settle = async ({ db, txId, branchId }: Step, state: "spent" | "returned"): Promise<ActionResult> => {
    const change = `UPDATE ${schema}.takings SET state = $4 WHERE service = $1 AND tx_id = $2 AND branch_id = $3`;
    await db.query(change, [service, txId, branchId, state]);
    return { kind: "ok" };
  };
  const giveBack = async (step: Step): Promise<ActionResult> => {
    await add(step, 1);
    return settle(step, "returned");
  };
  return {
    prepare: (step) => take(step, "held"),
    commit: (step) => settle(step, "spent"),
    abort: giveBack,
    execute: (step) => take(step, "spent"),
    compensate: giveBack,
    reapply: (step) => take(step, "spent"),
  };
}

/** What is wrong with the books, in SQL alone; nothing is unfinished when they are looked at. */
export async function faultsOfBooks(pool: Pool, schema: string, free: number): Promise<readonly unknown[]> {
  const { rows } = await pool.query<object>(
    `
    SELECT 'made or lost' AS fault, stock.service, stock.name AS what FROM ${schema}.stock
      LEFT JOIN ${schema}.takings
        ON takings.service = stock.service AND takings.name = stock.name AND state <> 'returned'
      GROUP BY stock.service, stock.name, free HAVING free + coalesce(sum(amount), 0) <> $1
    UNION ALL SELECT 'still held', service, tx_id FROM ${schema}.takings WHERE state = 'held'
    UNION ALL SELECT 'unfinished', coordinator, tx_id FROM ${schema}.assent_transactions
      WHERE state NOT IN ('committed', 'aborted')
    UNION ALL SELECT 'not of a commit', service, tx_id FROM ${schema}.takings WHERE state = 'spent'
      AND tx_id NOT IN (SELECT tx_id FROM ${schema}.assent_transactions WHERE state = 'committed')
    UNION ALL SELECT 'half done', service, t.tx_id FROM ${schema}.assent_transactions t,
      unnest(ARRAY['wallets', 'flights']) AS service WHERE t.state = 'committed'
      AND NOT EXISTS (SELECT FROM ${schema}.takings
        WHERE takings.service = service AND takings.tx_id = t.tx_id AND takings.state = 'spent')
    UNION ALL SELECT 'row and record differ', r.coordinator, r.key FROM ${schema}.assent_rows r
      LEFT JOIN ${schema}.assent_transactions t ON t.tx_id = r.key || ':' || r.incarnation || ':' || r.attempt
      WHERE t.state IS DISTINCT FROM r.outcome`,
    [free],
  );
  return rows;
}
