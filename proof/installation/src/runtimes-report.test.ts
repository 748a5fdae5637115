// A failure and an exceeded limit are both problems, and the report shows them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { importMsMax, libraryBytesMax, type Proof, problemsOf, reportOf } from "./runtimes-report.ts";
import { runtimes } from "./runtimes.ts";

const [runtime] = runtimes;
assert.ok(runtime !== undefined);
const cost = { cpuMs: importMsMax, wallMs: 900 };
const start = { bareCpuMs: 40, library: cost, everything: cost };
const size = { name: "assent", files: 9, bytes: libraryBytesMax, packedBytes: 9, dependencies: [] };
const kept: Proof = {
  rounds: 3,
  trials: [{ runtime, problems: [], start }],
  compilers: [{ version: "7.0.2", resolution: "bundler", problem: undefined }],
  sizes: [size],
};

test("a proof within its limits has no problems, whatever the clock of a busy machine says", () => {
  assert.deepEqual(problemsOf(kept), []);
  assert.doesNotMatch(reportOf(kept), /\*\*no\*\*/);
});

test("a limit that is exceeded is a problem", () => {
  const slow = { ...start, everything: { ...cost, cpuMs: importMsMax + 1 } };
  assert.match(problemsOf({ ...kept, trials: [{ runtime, problems: [], start: slow }] }).join(), /151 ms, limit 150/);
  const large = { ...size, bytes: libraryBytesMax + 1 };
  assert.match(problemsOf({ ...kept, sizes: [large] }).join(), /1000001 bytes, limit 1000000/);
});

test("what failed is a problem, and is seen in the report", () => {
  const trials = [{ runtime, problems: ["the trip: it printed nothing"], start: undefined }];
  const compilers = [{ version: "7.0.2", resolution: "bundler" as const, problem: "TS2322" }];
  const failed = { ...kept, trials, compilers };
  assert.equal(problemsOf(failed).length, 2);
  assert.match(reportOf(failed), new RegExp(`${runtime.version} \\| \\*\\*no\\*\\* \\| yes`));
  assert.match(reportOf(failed), /`bundler` \| \*\*no\*\*/);
});
