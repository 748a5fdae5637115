// The door: one object for a pool, which is the store of coordinators and of services.
import type { OpenBranches, ServiceStore, ServiceStoreOptions } from "assent/internal/participant";
import type { CoordinatorStore, CoordinatorStoreOptions, OpenLog } from "assent/internal/ports";
import { branchStatements } from "./branch-statements.ts";
import { checkIsolation, Database, type IsolationLevel } from "./database.ts";
import { logStatements, quoted } from "./log-statements.ts";
import { makeTables } from "./migrate.ts";
import { type PgClient, pgDriver, type PgPool } from "./pg-driver.ts";
import { PostgresBranches } from "./postgres-branches.ts";
import { type PostgresJs, postgresJsDriver } from "./postgres-js-driver.ts";
import { PostgresLease } from "./postgres-lease.ts";
import { type OnDecide, PostgresLog } from "./postgres-log.ts";
import { probeServer } from "./server-probe.ts";
import type { SqlDriver } from "./sql-driver.ts";
import { branchTable } from "./stored-branch.ts";
import { leaseTable, rowTable, transactionTable } from "./stored-log.ts";
import type { TableOf } from "./table-columns.ts";

export interface PostgresOptions<Db> {
  /** Where the tables are. Left out: `public`. */
  readonly schema?: string;
  /** Of the transactions in which handlers run. Left out: `read committed`. */
  readonly isolation?: IsolationLevel;
  /** Changes of the application's own in the transaction of a decision. */
  readonly onDecide?: OnDecide<Db>;
  /** Use a server that may lose in a crash what it has answered, such as one for tests. */
  readonly acceptsLoss?: boolean;
}

export interface PostgresStore<Db> extends CoordinatorStore, ServiceStore<Db> {
  /** Makes the tables where they are not there, in one transaction. Safe to run again, and by several processes. */
  migrate(): Promise<void>;
}

/** Keeps logs and branches in the database of a pool of `pg`, or of a `sql` of postgres.js. It never ends the pool. */
export function postgres<Client extends PgClient>(
  pool: PgPool<Client>,
  options?: PostgresOptions<Client>,
): PostgresStore<Client>;
export function postgres<Transaction>(
  sql: PostgresJs<Transaction>,
  options?: PostgresOptions<Transaction>,
): PostgresStore<Transaction>;
export function postgres(
  source: PgPool<PgClient> | PostgresJs<unknown>,
  options: PostgresOptions<never> = {},
): PostgresStore<never> {
  const driver: SqlDriver<unknown> = "begin" in source ? postgresJsDriver(source) : pgDriver(source);
  // Both are of the driver that the overloads name.
  return storeOf(driver as SqlDriver<never>, options);
}

function storeOf<Db>(driver: SqlDriver<Db>, options: PostgresOptions<Db>): PostgresStore<Db> {
  const { schema = "public", isolation, onDecide, acceptsLoss = false } = options;
  checkIsolation(isolation);
  const database = new Database(driver, { acceptsLoss });
  const close = (): Promise<void> => Promise.resolve();
  const probed = (tables: readonly TableOf[]): Promise<void> =>
    probeServer(database, { tables: tables.map(({ name }) => `${quoted(schema)}.${name}`), acceptsLoss });
  return {
    migrate: () => makeTables(driver, schema),
    async openLog({ coordinator, limits }: CoordinatorStoreOptions): Promise<OpenLog> {
      await probed([transactionTable, rowTable, leaseTable]);
      const shared = { database, statements: logStatements(schema, { acceptsLoss }), coordinator };
      return { log: new PostgresLog({ ...shared, limits, onDecide }), lease: new PostgresLease(shared), close };
    },
    async openBranches({ service, handler, limits, clock }: ServiceStoreOptions<Db>): Promise<OpenBranches> {
      await probed([branchTable]);
      const branches = new PostgresBranches({
        database: new Database(driver, { isolation, acceptsLoss }),
        statements: branchStatements(schema, { acceptsLoss }),
        service,
        handler,
        limits,
        clock,
      });
      return { branches, close };
    },
  };
}
