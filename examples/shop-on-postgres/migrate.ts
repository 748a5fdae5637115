// Makes the tables of the application, and those of the library beside them in each schema. Safe to run again.
import { postgres } from "@assent/postgres";
import { readFileSync } from "node:fs";
import { Pool } from "pg";

const tables = readFileSync(new URL("tables.sql", import.meta.url), "utf8");

export async function migrate(databaseUrl: string): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl });
  try {
    await pool.query(tables);
    for (const schema of ["orders", "stock", "payment"]) await postgres(pool, { schema }).migrate();
  } finally {
    await pool.end();
  }
}
