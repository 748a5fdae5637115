// The suite of the port, unmodified, over files on the disk and an application's own connection to them.
import { branchStoreSuite } from "@assent/conformance";
import { defaultLimits } from "assent/internal/protocol";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after } from "node:test";
import { makeLedger, sqlAccounts, sqlLedgerHandler } from "../../test-kit/sql-ledger.ts";
import { sqlite } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-sqlite-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

branchStoreSuite(async (clock) => {
  files += 1;
  const path = join(folder, `${files}.db`);
  const options = { service: "stock", handler: sqlLedgerHandler(), limits: defaultLimits, clock };
  const opened = await sqlite(path).openBranches(options);
  const own = new DatabaseSync(path);
  makeLedger(own);
  return {
    adapter: { store: opened.branches, accounts: sqlAccounts(own) },
    async close() {
      own.close();
      await opened.close();
    },
  };
});
