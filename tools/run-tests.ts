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
  "tests/chaos/chaos.test.ts",
  "tests/system/local-topology.test.ts",
  "tests/system/on-local-topology.test.ts",
  "packages/store-redis/src/sentinel.test.ts",
  "tests/system/embedded-process.test.ts",
  "tests/system/sentinel-topology.test.ts",
  "tests/system/backup-of-topology.test.ts",
  "tests/system/backup.test.ts",
  "tests/system/history-of-running.test.ts",
  "services/checkout-world/src/mutants.test.ts",
  "services/chaos/src/judge/judge-shop.test.ts",
  "packages/transport-nats/src/nats-bus.outage.test.ts",
  "tests/system/books.test.ts",
  "tests/system/local-cost.test.ts",
  "tests/system/fault-injection.test.ts",
  "tests/system/course-scenario.test.ts",
  "services/checkout-world/src/simulate.test.ts",
  "packages/transport-nats/src/nats-cluster.test.ts",
  "packages/simulator/src/explorer/explorer.test.ts",
  "packages/orchestrator/src/conservation.property.test.ts",
];

const found = globSync(
  ["packages", "services", "apps", "tools", "tests"].map((folder) => `${folder}/**/*.test.ts`),
  { cwd: root, exclude: (path) => path.includes("node_modules") },
).sort();
const gone = longest.filter((file) => !existsSync(join(root, file)));
if (gone.length > 0) throw new Error(`no such test files: ${gone.join(", ")}. Change the list in tools/run-tests.ts.`);
const files = [...longest, ...found.filter((file) => !longest.includes(file))];

const events = run({ files, cwd: root, concurrency, timeout: fileMaxMs });
events.on("test:fail", ({ todo, skip }) => {
  if (todo === undefined && skip === undefined) process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);
events.compose(dot).pipe(process.stderr);
