// Faults at points of the protocol, in the embedded topology: a process that really dies, and starts again.
import { drawnCases, faultMatrix, openEmbedded } from "@assent/bench";
import { temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { test } from "node:test";

/** Of each protocol; `npm run faults -- --topology embedded` tries every one. */
const casesDrawn = 30;

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
