// Every suite of a port, unmodified, over a real server and both drivers.
import {
  branchStoreSuite,
  differentialSuite,
  type KeyedAdapter,
  leaseSuite,
  type Open,
  transactionLogSuite,
} from "@assent/conformance";
import { defaultLimits } from "assent/internal/protocol";
import { after, describe } from "node:test";
import type { PoolClient } from "pg";
import type { TransactionSql } from "postgres";
import { TestServer } from "../test-kit/postgres-server.ts";
import { SqlLedger, type Statements } from "../test-kit/sql-ledger.ts";
import { branchStatements } from "./branch-statements.ts";
import { Database } from "./database.ts";
import { logStatements } from "./log-statements.ts";
import { makeTables } from "./migrate.ts";
import { pgDriver } from "./pg-driver.ts";
import { PostgresBranches } from "./postgres-branches.ts";
import { postgresJsDriver } from "./postgres-js-driver.ts";
import { PostgresLease } from "./postgres-lease.ts";
import { PostgresLog } from "./postgres-log.ts";
import { PostgresRows } from "./postgres-rows.ts";
import type { SqlDriver } from "./sql-driver.ts";

const server = await TestServer.start({ fsync: false });
after(() => server.stop());
const pool = server.pool();
const schema = await server.schema(pool);
await makeTables(pgDriver(pool), schema);
await SqlLedger.makeTable(pool, schema);
let names = 0;

function openOver<Db>(driver: SqlDriver<Db>, statements: Statements<Db>): Open<KeyedAdapter> {
  const shared = { database: new Database(driver), limits: defaultLimits };
  return (clock) => {
    names += 1;
    const name = `n${names}`;
    const storeTime = clock.now;
    const log = { ...shared, statements: logStatements(schema), coordinator: name, storeTime };
    const ledger = new SqlLedger(pool, { schema, name, statements });
    const branches = { ...shared, statements: branchStatements(schema), service: name, storeTime, clock };
    const adapter = {
      log: new PostgresLog(log),
      rows: new PostgresRows(log),
      lease: new PostgresLease(log),
      store: new PostgresBranches({ ...branches, handler: ledger.handler() }),
      accounts: ledger.accounts(),
    };
    return { adapter, close: () => undefined };
  };
}

const overPg: Statements<PoolClient> = async (db, text, given) => (await db.query<object>(text, [...given])).rows;
const overPostgresJs: Statements<TransactionSql> = (db, text, given) => db.unsafe(text, [...given]);
const drivers = {
  pg: openOver(pgDriver(pool), overPg),
  "postgres.js": openOver(postgresJsDriver<TransactionSql>(server.sql()), overPostgresJs),
};

for (const [name, open] of Object.entries(drivers)) {
  describe(name, () => {
    transactionLogSuite(open);
    leaseSuite(open);
    branchStoreSuite(open);
    // One call at a time: steps that meet may come in any order.
    differentialSuite(open, { seeds: [8, 9], roundsMin: 400, isComplete: false, together: 1 });
  });
}
