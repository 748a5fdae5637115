// The ledger of the library over a SQL table: each of its steps reads the accounts in the transaction that it is given,
// and writes what it has changed there.
import type { Accounts } from "@assent/conformance";
import { BatchTables } from "assent/internal/engine";
import type { AsyncBranchHandler, BranchStep } from "assent/internal/participant";
import type { Tables } from "assent/internal/ports";
import type { Json, ActionResult } from "assent/internal/protocol";
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import { MemoryEngine } from "assent/memory";
import type { Pool } from "pg";

/** A statement over the object that a driver gives to handlers. */
export type Statements<Db> = (db: Db, text: string, parameters: readonly string[]) => Promise<readonly unknown[]>;

type Statement = (text: string, parameters: readonly string[]) => Promise<readonly unknown[]>;

/** What is done to accounts outside of transactions does not depend on the time. */
const untimed = { now: 0 };

interface Cell {
  readonly table_name: string;
  readonly key: string;
  readonly value: string;
}

export interface LedgerPlace<Db> {
  readonly schema: string;
  readonly name: string;
  readonly statements: Statements<Db>;
}

export class SqlLedger<Db> {
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #name: string;
  readonly #statements: Statements<Db>;

  constructor(pool: Pool, { schema, name, statements }: LedgerPlace<Db>) {
    this.#pool = pool;
    this.#schema = schema;
    this.#name = name;
    this.#statements = statements;
  }

  static async makeTable(pool: Pool, schema: string): Promise<void> {
    await pool.query(`CREATE TABLE ${schema}.ledger_cells (
      ledger text, table_name text, key text, value text NOT NULL, PRIMARY KEY (ledger, table_name, key))`);
  }

  /** The handler of the library, which knows nothing of SQL. */
  handler(): AsyncBranchHandler<Db> {
    const inner = ledgerHandler({ insufficient: "insufficient", absent: "absent" });
    const run =
      (operation: keyof typeof inner) =>
      ({ db, ...step }: { readonly db: Db } & Omit<BranchStep<Tables>, "view">): Promise<ActionResult> =>
        this.#within(
          (text, given) => this.#statements(db, text, given),
          (view) => inner[operation]({ view, ...step }),
        );
    return {
      prepare: run("prepare"),
      commit: run("commit"),
      abort: run("abort"),
      execute: run("execute"),
      compensate: run("compensate"),
      reapply: run("reapply"),
    };
  }

  accounts(): Accounts {
    const { seed, findAccount, openAccount, deposit, withdraw, totals } = ledgerOperations;
    return {
      seed: (request) => this.#alone((tables) => seed.step(tables, request, untimed)),
      find: (accountId) => this.#alone((tables) => findAccount.step(tables, { accountId }, untimed) ?? undefined),
      open: (request) => this.#alone((tables) => openAccount.step(tables, request, untimed)),
      deposit: (accountId, amount) => this.#alone((tables) => deposit.step(tables, { accountId, amount }, untimed)),
      withdraw: (accountId, amount) => this.#alone((tables) => withdraw.step(tables, { accountId, amount }, untimed)),
      totals: () => this.#alone((tables) => totals.step(tables, undefined, untimed)),
    };
  }

  async #alone<Result>(work: (tables: Tables) => Result): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      await client.query("BEGIN");
      const statement: Statement = async (text, given) => (await client.query<Cell>(text, [...given])).rows;
      const result = await this.#within(statement, work);
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  }

  async #within<Result>(statement: Statement, work: (tables: Tables) => Result): Promise<Result> {
    const cells = `${this.#schema}.ledger_cells`;
    await statement("SELECT pg_advisory_xact_lock(hashtext($1))", [this.#name]);
    const rows = await statement(`SELECT * FROM ${cells} WHERE ledger = $1`, [this.#name]);
    const engine = new MemoryEngine();
    for (const { table_name, key, value } of rows as readonly Cell[]) {
      engine.commit(new Map([[table_name, new Map([[JSON.parse(key) as string, JSON.parse(value) as Json]])]]));
    }
    const tables = new BatchTables(engine);
    const result = work(tables);
    for (const [table, changes] of tables.writes) {
      for (const [key, value] of changes) {
        const place = [this.#name, table, JSON.stringify(key)];
        await statement(`DELETE FROM ${cells} WHERE ledger = $1 AND table_name = $2 AND key = $3`, place);
        if (value === undefined) continue;
        await statement(`INSERT INTO ${cells} VALUES ($1, $2, $3, $4)`, [...place, JSON.stringify(value)]);
      }
    }
    return result;
  }
}
