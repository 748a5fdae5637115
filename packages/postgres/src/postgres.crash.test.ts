// kill -9 of the process that books, and of the server, under load: what was reported is there, nothing is half done,
// and the books are equal in SQL.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/postgres-server.ts";
import { crashTrial } from "../test-kit/crash-trial.ts";

const server = await TestServer.start();
after(() => server.stop());

/** Left out, a quick version. */
const kills = Number(process.env["ASSENT_CRASH_KILLS"] ?? 2);

for (const protocol of ["2pc", "saga"] as const) {
  test(`S1 S2 S5 killed processes and a killed server leave the books equal (${protocol})`, async (context) => {
    const trial = await crashTrial(server, {
      protocol,
      processKills: kills,
      serverKills: kills >> 1,
      outcomesBetween: 30,
    });
    context.diagnostic(JSON.stringify(trial.counts));
    assert.deepEqual(trial.faults, []);
    assert.ok((trial.counts["committed"] ?? 0) > 60);
  });
}

test("R2 what a killed process has begun is finished by one that shares its log", async (context) => {
  const plan = { protocol: "2pc", together: 2, processKills: 1, serverKills: 0, outcomesBetween: 30 } as const;
  const trial = await crashTrial(server, plan);
  context.diagnostic(JSON.stringify(trial.counts));
  assert.deepEqual(trial.faults, []);
});
