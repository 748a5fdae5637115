// A slice of the chaos suite: the sentinel topology under load, one fault after another, checked at the end. The whole
// suite is `npm run proof -- chaos`. proof/system/local-topology.test.ts kills single instances, and
// packages/redis/src/sentinel.test.ts replaces a master by command.
import { chaosRun, faults, SystemUnderTest } from "@assent/chaos";
import { temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { test } from "node:test";

const slice = [
  "one failure after another: an instance, a master, a broker, a gateway",
  "all brokers are killed, and their streams are lost",
  "a coordinator stalls for longer than its lease",
  "the master of stock stalls and wakes up just when another is promoted",
  "the master with the log is cut off from its replicas and the sentinels, and still heard by coordinators",
];

test("through deaths, stalls and cut connections all answers stay true and the books are exact", async () => {
  const folder = temporaryFolder();
  const system = await SystemUnderTest.openSentinel({ folder: folder.path, cuts: true });
  try {
    const chosen = slice.map((name) => faults.find((fault) => fault.name === name));
    assert.ok(
      chosen.every((fault) => fault !== undefined),
      "every name is the name of a fault",
    );
    const report = await chaosRun({ system, faults: chosen, connections: 16, requestsPerSecond: 150 });
    assert.deepEqual(report.findings, []);
    assert.equal(report.results.length, slice.length);
    assert.ok(report.figures.ordersPaid > 100, "there was load");
  } finally {
    await system.close();
  }
  folder.remove();
});
