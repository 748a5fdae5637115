// Every suite of a port, unmodified, over a real server.
import {
  branchStoreSuite,
  differentialSuite,
  type KeyedAdapter,
  leaseSuite,
  type Open,
  transactionLogSuite,
} from "@assent/conformance";
import { defaultLimits } from "assent/internal/protocol";
import { after } from "node:test";
import { TestServer } from "../test-kit/postgres-server.ts";
import { SqlLedger } from "../test-kit/sql-ledger.ts";
import { branchStatements } from "./branch-statements.ts";
import { Database } from "./database.ts";
import { logStatements } from "./log-statements.ts";
import { makeTables } from "./migrate.ts";
import { pgDriver } from "./pg-driver.ts";
import { PostgresBranches } from "./postgres-branches.ts";
import { PostgresLease } from "./postgres-lease.ts";
import { PostgresLog } from "./postgres-log.ts";
import { PostgresRows } from "./postgres-rows.ts";

const server = await TestServer.start({ fsync: false });
after(() => server.stop());
const pool = server.pool();
const schema = await server.schema(pool);
const driver = pgDriver(pool);
await makeTables(driver, schema);
await SqlLedger.makeTable(pool, schema);
const database = new Database(driver);
const shared = { database, limits: defaultLimits };
let names = 0;

const open: Open<KeyedAdapter> = (clock) => {
  names += 1;
  const name = `n${names}`;
  const storeTime = clock.now;
  const log = { ...shared, statements: logStatements(schema), coordinator: name, storeTime };
  const ledger = new SqlLedger(pool, schema, name);
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

transactionLogSuite(open);
leaseSuite(open);
branchStoreSuite(open);
// One call at a time: steps that meet may come in any order.
differentialSuite(open, { seeds: [8, 9], roundsMin: 600, isComplete: false, together: 1 });
