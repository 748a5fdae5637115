// The ledger of the library over a table of a SQLite file, as an application would keep it.
import type { Accounts } from "@assent/conformance";
import type { AsyncBranchHandler } from "assent/internal/participant";
import type { ScanRange, Table, Tables } from "assent/internal/ports";
import type { ActionResult } from "assent/internal/protocol";
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import type { DatabaseSync } from "node:sqlite";

/** What is done to accounts outside of transactions does not depend on the time. */
const untimed = { now: 0 };

export function makeLedger(database: DatabaseSync): void {
  database.exec("CREATE TABLE IF NOT EXISTS cells (name TEXT, key TEXT, value TEXT, PRIMARY KEY (name, key)) STRICT");
}

/** Text in SQLite is compared by its bytes, which is the order of the port. */
function tablesOf(database: DatabaseSync): Tables {
  const textOf = (value: unknown): string => JSON.stringify(value);
  return {
    get<Value>(table: Table<Value>, key: string): Value | undefined {
      const row = database.prepare("SELECT value FROM cells WHERE name = ? AND key = ?").get(table.name, key);
      return row === undefined ? undefined : (JSON.parse(String(row["value"])) as Value);
    },
    put<Value>(table: Table<Value>, key: string, value: Value): void {
      database.prepare("INSERT OR REPLACE INTO cells VALUES (?, ?, ?)").run(table.name, key, textOf(value));
    },
    delete(table: Table<unknown>, key: string): void {
      database.prepare("DELETE FROM cells WHERE name = ? AND key = ?").run(table.name, key);
    },
    scan<Value>(table: Table<Value>, { after = "", before = "\u{10ffff}", limit }: ScanRange) {
      const rows = database
        .prepare("SELECT key, value FROM cells WHERE name = ? AND key > ? AND key < ? ORDER BY key LIMIT ?")
        .all(table.name, after, before, limit);
      return rows.map(({ key, value }) => [String(key), JSON.parse(String(value)) as Value] as const);
    },
  };
}

/** The handler of the library, which knows nothing of SQL. */
export function sqlLedgerHandler(): AsyncBranchHandler<DatabaseSync> {
  const inner = ledgerHandler({ insufficient: "insufficient", absent: "absent" });
  const run =
    (operation: keyof typeof inner): AsyncBranchHandler<DatabaseSync>[typeof operation] =>
    async ({ db, ...step }): Promise<ActionResult> => {
      // A handler that waits lets other commands of the service come in between.
      await Promise.resolve();
      return inner[operation]({ view: tablesOf(db), ...step });
    };
  return {
    prepare: run("prepare"),
    commit: run("commit"),
    abort: run("abort"),
    execute: run("execute"),
    compensate: run("compensate"),
    reapply: run("reapply"),
  };
}

/** The accounts, through a connection of the application's own. */
export function sqlAccounts(database: DatabaseSync): Accounts {
  const alone = async <Result>(work: (tables: Tables) => Result): Promise<Result> => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work(tablesOf(database));
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  const { seed, findAccount, openAccount, deposit, withdraw, totals } = ledgerOperations;
  return {
    seed: (request) => alone((tables) => seed.step(tables, request, untimed)),
    find: (accountId) => alone((tables) => findAccount.step(tables, { accountId }, untimed) ?? undefined),
    open: (request) => alone((tables) => openAccount.step(tables, request, untimed)),
    deposit: (accountId, amount) => alone((tables) => deposit.step(tables, { accountId, amount }, untimed)),
    withdraw: (accountId, amount) => alone((tables) => withdraw.step(tables, { accountId, amount }, untimed)),
    totals: () => alone((tables) => totals.step(tables, undefined, untimed)),
  };
}
