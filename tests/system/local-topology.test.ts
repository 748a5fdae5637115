// The local topology as its users meet it: real NATS, Redis and HAProxy, two instances of each service. The course's
// scenario through the gateway, and every kind of process killed under load.
import { courseScenario, type FaultCase, faultCases, faultMatrix, killProof, openLocal } from "@assent/bench";
import { type LocalTopology, startLocalTopology, temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";

/** Of each protocol. */
const casesDrawn = 16;

interface Opened extends LocalTopology {
  close(): Promise<void>;
}

async function open(protocol: "auto" | "2pc" | "saga"): Promise<Opened> {
  const folder = temporaryFolder();
  const topology = await startLocalTopology({ folder: folder.path, protocol });
  return {
    ...topology,
    async close() {
      await topology.stop();
      folder.remove();
    },
  };
}

for (const protocol of ["2pc", "saga", "auto"] as const) {
  test(`${protocol}: exactly 100 of 1000 checkouts succeed through the gateway, and none is a 5xx`, async () => {
    const topology = await open(protocol);
    const result = await courseScenario({ url: topology.url, connections: 100, random: Math.random });
    await topology.close();
    assert.deepEqual(
      [result.succeeded, result.refused, result.otherwise, result.stockLeft, result.creditLeft],
      [100, 900, 0, 0, 900],
    );
  });
}

test("every kind of process is killed under load: what was told stays true, and the books are exact", async () => {
  const topology = await open("2pc");
  const victims = ["order-0", "stock-1", "payment-0", "nats", "redis-order", "redis-stock", "redis-payment", "gateway"];
  const report = await killProof({ topology, victims, connections: 32 });
  await topology.close();
  assert.deepEqual(report.findings, []);
  assert.equal(report.kills.length, victims.length);
});

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: faults at some points fire in the local topology, and leave the books exact`, async (context) => {
    const folder = temporaryFolder();
    const system = await openLocal(folder.path, protocol);
    const drawn = drawnCases(protocol);
    context.diagnostic(drawn.map(({ service, point, action }) => `${service} ${point} ${action}`).join(", "));
    const report = await faultMatrix({ ...system, protocol, cases: drawn });
    await system.close();
    folder.remove();
    assert.deepEqual(report.findings, []);
    assert.equal(report.cases.length, drawn.length);
  });
}

/** A few of all cases, others in each run; `npm run faults` tries every one. */
function drawnCases(protocol: "2pc" | "saga"): readonly FaultCase[] {
  const left = [...faultCases(protocol)];
  return Array.from({ length: casesDrawn }, () => left.splice(randomInt(left.length), 1)[0]).filter(
    (drawn) => drawn !== undefined,
  );
}
