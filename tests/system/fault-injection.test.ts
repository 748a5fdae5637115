// Every injection point with every action, in the embedded topology: a process that really dies, and starts again.
import { type FaultMatrixReport, faultMatrix } from "@assent/bench";
import { serveCheckout, temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { test } from "node:test";

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: every point with every action fires, is survived, and leaves the books exact`, async () => {
    const folder = temporaryFolder();
    const serve = () => serveCheckout({ dataFolder: folder.path, protocol, faults: true });
    let served = await serve();
    const report: FaultMatrixReport = await faultMatrix({
      url: () => served.url,
      protocol,
      hasDied: () => served.hasEnded(),
      revive: async () => {
        if (served.hasEnded()) served = await serve();
      },
    });
    assert.equal(await served.stop(), 0);
    folder.remove();
    assert.deepEqual(report.findings, []);
    assert.equal(report.cases.length, 90);
  });
}
