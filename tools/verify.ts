// The whole check: format, lint, types, tidy, tests. `npm test` runs this and so does CI.
// `--only format,types` picks steps; `--list` names them.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { root } from "./source-tree.ts";

interface Check {
  name: string;
  command: string;
  args: string[];
}

const steps: Check[] = [
  { name: "format", command: "oxfmt", args: ["--check", "."] },
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings"] },
  { name: "types", command: "tsc", args: ["--noEmit", "-p", "."] },
  { name: "tidy", command: process.execPath, args: ["tools/tidy.ts"] },
  { name: "tests", command: process.execPath, args: ["tools/run-tests.ts"] },
];

const { values } = parseArgs({ options: { only: { type: "string" }, list: { type: "boolean" } } });
if (values.list === true) {
  console.log(steps.map((step) => step.name).join("\n"));
} else {
  const chosen = values.only === undefined ? steps : pick(values.only.split(","));
  for (const step of chosen) run(step);
}

function pick(names: string[]): Check[] {
  return names.map((name) => {
    const step = steps.find((candidate) => candidate.name === name);
    if (step === undefined) throw new Error(`no step "${name}"; there are: ${steps.map((s) => s.name).join(", ")}`);
    return step;
  });
}

function run(step: Check): void {
  const startedAt = performance.now();
  const result = spawnSync(step.command, step.args, { cwd: root, stdio: "inherit" });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (result.error) throw result.error;
  if (result.status !== 0) {
    console.error(`verify: ${step.name} failed after ${seconds} s`);
    process.exit(1);
  }
  console.log(`verify: ${step.name} ok, ${seconds} s`);
}
