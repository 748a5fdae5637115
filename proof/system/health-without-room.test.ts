// The health of a service whose file cannot grow: a real SQLite file is limited, and later gets space again.
import { paymentApp, paymentOperations, PaymentService } from "@assent/payment";
import { defaultLimits } from "assent/internal/protocol";
import { stockApp, stockOperations, StockService } from "@assent/stock";
import { GroupCommitExecutor } from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";

const services = {
  stock: (engine: SqliteEngine) => {
    const store = new GroupCommitExecutor({ ...around(engine), operations: stockOperations(defaultLimits) });
    return stockApp(new StockService({ store, random: systemRandom }), () => undefined);
  },
  payment: (engine: SqliteEngine) => {
    const store = new GroupCommitExecutor({ ...around(engine), operations: paymentOperations(defaultLimits) });
    return paymentApp(new PaymentService({ store, random: systemRandom }), () => undefined);
  },
} as const;

const around = (engine: SqliteEngine) => ({ engine, now: () => systemClock.now(), schedule: nextTurn });

/** An engine, and a function that sets how many more pages its file may have. */
function openLimited(context: TestContext, path: string) {
  const exec = context.mock.method(DatabaseSync.prototype, "exec");
  const engine = new SqliteEngine(path);
  const database = exec.mock.calls[0]?.this as DatabaseSync | undefined;
  exec.mock.restore();
  assert.ok(database !== undefined);
  const pages = (): number => Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  const limit = (more: number): void => database.exec(`PRAGMA max_page_count = ${Math.min(pages() + more, 2 ** 31)}`);
  return { engine, limit };
}

for (const service of ["stock", "payment"] as const) {
  test(`${service} is unhealthy from the first refused write until there is space again`, async (context) => {
    const folder = temporaryFolder();
    const { engine, limit } = openLimited(context, join(folder.path, "store.db"));
    const app = services[service](engine);
    const create = service === "stock" ? "/stock/item/create/1" : "/payment/create_user";
    const find = service === "stock" ? "/stock/find/" : "/payment/find_user/";
    const health = async (): Promise<readonly unknown[]> => {
      const response = await app.request(`/${service}/health`);
      const { status, code } = (await response.json()) as Record<string, unknown>;
      return [response.status, status ?? code];
    };
    const made = await app.request(create, { method: "POST" });
    const id = Object.values((await made.json()) as Record<string, string>)[0];
    assert.deepEqual(await health(), [200, "healthy"]);
    limit(0);
    let status = 200;
    for (let times = 0; status === 200 && times < 10_000; times += 1) {
      ({ status } = await app.request(create, { method: "POST" }));
    }
    assert.equal(status, 400);
    for (let times = 0; times < 3; times += 1) assert.deepEqual(await health(), [503, "writes_refused"]);
    assert.equal((await app.request(`${find}${id}`)).status, 200, "existing data can still be read");
    assert.deepEqual(await health(), [503, "writes_refused"], "a read proves nothing about writes");
    limit(100);
    assert.deepEqual(await health(), [200, "healthy"], "no other write was needed");
    const writes = context.mock.method(engine, "commit");
    for (let times = 0; times < 3; times += 1) assert.deepEqual(await health(), [200, "healthy"]);
    assert.equal(writes.mock.callCount(), 0, "a healthy service writes nothing for its health check");
    engine.close();
    folder.remove();
  });
}
