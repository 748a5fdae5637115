// The tests step of the check: every test file, the longest first. `node --test` takes files by their names, and leaves
// one core idle while the other works on the long files that come last.
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { dot, spec } from "node:test/reporters";
import { root } from "./source-tree.ts";

/** Files that run at once. Many wait more than they compute: real servers start, leases lapse, processes are killed. */
const concurrency = 3;
/** A test whose promise never settles keeps its file running: after this long the file has failed. */
const fileMaxMs = 3_600_000;

/** Files that take more than ten seconds on two quiet cores, the longest first. */
const longest = [
  "proof/system/chaos/chaos.test.ts",
  "proof/system/local-topology.test.ts",
  "proof/system/on-local-topology.test.ts",
  "packages/redis/src/sentinel.test.ts",
  "proof/system/embedded-process.test.ts",
  "proof/system/sentinel-topology.test.ts",
  "proof/system/backup-of-topology.test.ts",
  "proof/system/backup.test.ts",
  "proof/system/history-of-running.test.ts",
  "proof/scenarios/src/mutants.test.ts",
  "proof/installation/src/installed.test.ts",
  "proof/chaos/src/judge/judge-shop.test.ts",
  "packages/nats/src/nats-bus.outage.test.ts",
  "proof/system/books.test.ts",
  "proof/system/local-cost.test.ts",
  "proof/system/fault-injection.test.ts",
  "proof/system/course-scenario.test.ts",
  "proof/scenarios/src/simulate.test.ts",
  "packages/nats/src/nats-cluster.test.ts",
  "proof/simulator/src/explorer/explorer.test.ts",
  "packages/postgres/src/postgres.crash.test.ts",
  "packages/postgres/src/postgres.conformance.test.ts",
  "packages/assent/src/coordinator/conservation.property.test.ts",
];

const found = globSync(
  ["packages", "checkout", "proof", "examples", "tools"].map((folder) => `${folder}/**/*.test.ts`),
  { cwd: root, exclude: (path) => path.includes("node_modules") },
).sort();
const gone = longest.filter((file) => !existsSync(join(root, file)));
if (gone.length > 0) throw new Error(`no such test files: ${gone.join(", ")}. Change the list in tools/run-tests.ts.`);
const files = [...longest, ...found.filter((file) => !longest.includes(file))];

// Each file, and each process that it starts, would strip types and compile the same modules again: a quarter of the
// CPU of small tests, and half of that of a starting process. Files of an earlier version are never taken for new ones.
process.env["NODE_COMPILE_CACHE"] ??= join(root, ".cache", "compiled");

const events = run({ files, cwd: root, concurrency, timeout: fileMaxMs });
events.on("test:fail", ({ todo, skip }) => {
  if (todo === undefined && skip === undefined) process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);
events.compose(dot).pipe(process.stderr);
