// The tables of this package, made where they are not there.
import { readFileSync } from "node:fs";
import { quoted } from "./log-statements.ts";
import type { SqlDriver } from "./sql-driver.ts";

/** The statements of `schema.sql`, for a migration tool. They make tables in the first schema of the search path. */
export function schemaSql(): string {
  return readFileSync(new URL("../schema.sql", import.meta.url), "utf8");
}

/** Any number, the same for all: processes that start together wait for each other. */
const migrationLock = 7_231_944;

/** Makes the tables in a schema, in one transaction. Safe to run again, and by several processes at once. */
export async function makeTables(driver: SqlDriver<unknown>, schema: string): Promise<void> {
  const connection = await driver.begin({
    isolation: "read committed",
    settings: `SET LOCAL search_path = ${quoted(schema)}; SELECT pg_advisory_xact_lock(${migrationLock})`,
  });
  let isUsable = false;
  try {
    await connection.command(schemaSql());
    await connection.commit();
    isUsable = true;
  } finally {
    // One that failed is closed, which undoes what it did.
    connection.release(isUsable);
  }
}
