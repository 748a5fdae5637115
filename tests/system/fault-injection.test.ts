// Every injection point with every action, in the embedded topology: a process that really dies, and starts again.
import { faultMatrix, openEmbedded } from "@assent/bench";
import { temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { test } from "node:test";

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: every point with every action fires, is survived, and leaves the books exact`, async () => {
    const folder = temporaryFolder();
    const system = await openEmbedded(folder.path, protocol);
    const report = await faultMatrix({ ...system, protocol });
    assert.equal(await system.close(), 0);
    folder.remove();
    assert.deepEqual(report.findings, []);
    assert.equal(report.cases.length, 90);
  });
}
