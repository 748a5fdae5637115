// Faults at points of the protocol, in the embedded topology: a process that really dies and restarts.
import { drawnCases, faultMatrix, KeepAliveClient, openEmbedded, untilQuiet } from "@assent/bench";
import { temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { test } from "node:test";

/** Cases for each protocol; `npm run proof -- faults --topology embedded` tries all of them. */
const casesDrawn = 12;

const quietMs = 60_000;

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: faults at drawn points fire, are survived, and leave the books exact`, async (context) => {
    const folder = temporaryFolder();
    const system = await openEmbedded(folder.path, protocol);
    const cases = drawnCases(protocol, casesDrawn);
    context.diagnostic(cases.map(({ service, point, action }) => `${service} ${point} ${action}`).join(", "));
    const report = await faultMatrix({ ...system, protocol, cases });
    assert.equal(await system.close(), 0);
    folder.remove();
    assert.deepEqual(report.findings, []);
    assert.equal(report.cases.length, casesDrawn);
  });
}

test("C5 a refusal is returned before a slow release; once nothing is unfinished, the books are exact", async () => {
  const folder = temporaryFolder();
  const system = await openEmbedded(folder.path, "2pc");
  const client = new KeepAliveClient(system.url());
  const ask = async (method: "GET" | "POST", path: string): Promise<Record<string, unknown>> => {
    const { status, body } = await client.request(method, path);
    return { status, ...(body.startsWith("{") && (JSON.parse(body) as object)) };
  };
  await ask("POST", "/stock/batch_init/1/10/1");
  const { user_id: user } = await ask("POST", "/payment/create_user");
  const { order_id: order } = await ask("POST", `/orders/create/${String(user)}`);
  await ask("POST", `/orders/addItem/${String(order)}/0/1`);
  // It fails for longer than a caller waits: until the rule is removed.
  const rule = { point: "before_abort", action: "error" };
  const headers = { "content-type": "application/json" };
  await fetch(`${system.url()}/stock/fault/set`, { method: "POST", headers, body: JSON.stringify(rule) });
  assert.equal((await ask("POST", `/orders/checkout/${String(order)}`))["code"], "insufficient_credit");
  assert.equal((await ask("GET", "/stock/find/0"))["stock"], 9);
  await ask("POST", "/stock/fault/clear");
  assert.ok(await untilQuiet(client, quietMs));
  assert.equal((await ask("GET", "/stock/find/0"))["stock"], 10);
  client.close();
  await system.close();
  folder.remove();
});
