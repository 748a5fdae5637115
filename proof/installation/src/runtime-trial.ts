// One runtime over the installed packages: the trip, a file that keeps, every module, and what importing costs.
import { join } from "node:path";
import { obtainRuntime, type Runtime } from "./runtimes.ts";
import { type StartCosts, startCosts } from "./start-costs.ts";
import type { UserProject } from "./user-project.ts";

/** Where the compiled programs are, in the project. */
export const compiledFolder = "compiled";

export interface RuntimeTrial {
  readonly runtime: Runtime;
  /** What went wrong; nothing else is measured then. */
  readonly problems: readonly string[];
  readonly start: StartCosts | undefined;
}

export interface TrialOptions {
  readonly project: UserProject;
  /** What the trip prints. */
  readonly tripOutput: string;
  readonly rounds: number;
}

export function tryRuntime(runtime: Runtime, { project, tripOutput, rounds }: TrialOptions): RuntimeTrial {
  const { name, version, args } = runtime;
  const program = obtainRuntime(runtime);
  const environment = { DENO_DIR: join(project.folder, "deno"), DENO_NO_UPDATE_CHECK: "1" };
  const run = (file: string, ...rest: readonly string[]): string =>
    project.run(program, [...args, join(compiledFolder, file), ...rest], environment);
  const problems: string[] = [];
  const expect = (what: string, attempt: () => string, expected: string): void => {
    try {
      const printed = attempt();
      if (printed !== expected) problems.push(`${what} printed ${JSON.stringify(printed)}`);
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  expect("the trip", () => run("trip.js"), tripOutput);
  expect("the SQLite file", () => run("kept.js", `kept-${name}-${version}.db`), "kept 4\n");
  expect("loading every module", () => `${run("all.js").length > 0}`, "true");
  const start = problems.length > 0 ? undefined : startCosts(project, { program, args, environment }, rounds);
  return { runtime, problems, start };
}
