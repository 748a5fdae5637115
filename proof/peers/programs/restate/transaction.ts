import type { Pool, PoolClient } from "pg";

export async function transaction<Result>(pool: Pool, run: (db: PoolClient) => Promise<Result>): Promise<Result> {
  const db = await pool.connect();
  let failure: Error | undefined;
  // Without a listener, a connection that breaks ends the process.
  db.once("error", (error) => (failure = error));
  try {
    await db.query("BEGIN");
    const result = await run(db);
    await db.query("COMMIT");
    return result;
  } catch (error) {
    failure = error as Error;
    await db.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    db.release(failure);
  }
}
