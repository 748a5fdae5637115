// A data folder of a version that indexed unfinished transactions by their plain names: its transactions are finished.
import { serveCheckout, temporaryFolder } from "@assent/topology";
import { checkout } from "@assent/order";
import { defaultLimits } from "assent/internal/protocol";
import {
  BatchTables,
  bindOperations,
  formerIndexTable,
  logOperations,
  rowOperations,
  unfinishedKey,
  unfinishedTable,
} from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { audit } from "../../checkout/cli/src/audit.ts";

/** Begins checkouts like a process that died, and leaves them in the index of the earlier version. */
function leaveUnfinished(path: string, keys: readonly string[]): void {
  const engine = new SqliteEngine(join(path, "orders.db"));
  const tables = new BatchTables(engine);
  const operations = bindOperations({ ...logOperations, ...rowOperations }, { limits: defaultLimits });
  const now = Date.now();
  for (const key of keys) {
    const fields = { user: "0", items: [["0", 1]], total: 3, units: 1, entries: 1 };
    operations.putRow(tables, { key, incarnation: "life1", fields }, { now });
    const result = operations.begin(
      tables,
      {
        key,
        definition: checkout.name,
        definitionHash: checkout.hash,
        protocol: "2pc",
        owner: "embedded:died",
        begunAt: now,
        deadlineAt: now + 10_000,
        releaseWaitMs: 2_000,
      },
      { now },
    );
    assert.ok(result.kind === "begun", JSON.stringify(result));
    tables.delete(unfinishedTable, unfinishedKey(result.record));
    tables.put(formerIndexTable, result.record.txId, null);
  }
  engine.commit(tables.writes);
  engine.close();
}

test("R7 unfinished transactions of an earlier version are audited, and finished by the next start", async () => {
  const folder = temporaryFolder();
  const first = await serveCheckout({ dataFolder: folder.path });
  assert.equal(await first.stop(), 0);
  leaveUnfinished(folder.path, ["a", "b", "c"]);
  assert.equal(audit(folder.path).unfinished, 3);
  const second = await serveCheckout({ dataFolder: folder.path });
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const response = await fetch(`${second.url}/orders/dlq/status`);
    const { unfinished } = (await response.json()) as { unfinished: number };
    if (unfinished === 0) break;
    assert.ok(performance.now() < giveUpAt, `${unfinished} are still unfinished`);
  }
  assert.equal(await second.stop(), 0);
  const { unfinished, findings } = audit(folder.path);
  assert.deepEqual([unfinished, findings], [0, []]);
  folder.remove();
});
