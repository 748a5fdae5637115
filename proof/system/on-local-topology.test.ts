// Runs the tests of the HTTP contract again, unmodified, on real servers: NATS, Redis, HAProxy, two instances of each
// service.
import { topologyVariable } from "@assent/topology";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const deadlineMs = 600_000;

for (const name of ["http-contract", "http-repeats", "faults", "fault-api"]) {
  test(`${name} passes in the local topology`, () => {
    const file = join(import.meta.dirname, `${name}.test.ts`);
    const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;
    const run = spawnSync(process.execPath, ["--test", file], {
      env: { ...environment, [topologyVariable]: "local" },
      encoding: "utf8",
      timeout: deadlineMs,
    });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.match(run.stdout, /pass [1-9]/);
  });
}
