// A user's program over @assent/sqlite: what one opening of the file wrote, the next one reads.
import { SqliteEngine } from "@assent/sqlite";
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import { memoryBranches } from "assent/memory";
import { nextTurn, systemClock } from "assent/node";

const path = process.argv[2];
if (path === undefined) throw new Error("usage: kept FILE");
const handler = ledgerHandler({ insufficient: "sold_out", absent: "not_offered" });

async function opened<T>(use: (run: ReturnType<typeof branchesOn>["run"]) => Promise<T>, file: string): Promise<T> {
  const engine = new SqliteEngine(file);
  try {
    return await use(branchesOn(engine).run);
  } finally {
    engine.close();
  }
}

function branchesOn(engine: SqliteEngine) {
  return memoryBranches(handler, ledgerOperations, { engine, clock: systemClock, schedule: nextTurn });
}

await opened(async (run) => {
  await run(ledgerOperations.openAccount, { accountId: "ritz", generation: "1", details: null });
  await run(ledgerOperations.deposit, { accountId: "ritz", amount: 4 });
}, path);
const account = await opened((run) => run(ledgerOperations.findAccount, { accountId: "ritz" }), path);
console.log(`kept ${account?.available}`);
