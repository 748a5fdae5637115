// The programs with a first step as it is written when nobody thinks of a second run: a statement, and no record of it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A step of DBOS instead of a transaction of a datasource. */
export function plainDbos(folder: string): void {
  rewrite(join(folder, "trip.ts"), [
    [
      'import { sql } from "drizzle-orm";',
      'import { sql } from "drizzle-orm";\nimport { drizzle } from "drizzle-orm/node-postgres";',
    ],
    ["const bookSeats = flights.registerTransaction(", "const bookSeats = DBOS.registerStep("],
    ["await flights.client.execute(", "await drizzle({ client: poolOf(FLIGHTS_URL) }).execute("],
  ]);
}

/** A `ctx.run` that takes no notice of its idempotency key. */
export function plainRestate(folder: string): void {
  rewrite(join(folder, "flights.ts"), [["if (added.rowCount === 0) return;", ""]]);
}

function rewrite(file: string, changes: readonly (readonly [string, string])[]): void {
  let text = readFileSync(file, "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    text = text.replace(from, () => to);
  }
  writeFileSync(file, text);
}
