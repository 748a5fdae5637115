// What it costs to start a program that imports the library, beside one that imports nothing. The two alternate, so
// that a machine that becomes slower meanwhile slows both. Each reports the CPU time of its process, which other work
// on the machine changes little, and is also timed from outside.
import type { UserProject } from "./user-project.ts";

export interface StartCosts {
  /** Median of CPU time of a program that imports nothing. */
  readonly bareCpuMs: number;
  /** What importing `assent` adds to it. */
  readonly library: AddedCost;
  /** What importing all public modules of the library adds. */
  readonly everything: AddedCost;
}

export interface AddedCost {
  /** Of the medians of CPU time. */
  readonly cpuMs: number;
  /** By the clock: of the fastest starts. */
  readonly wallMs: number;
}

export interface Started {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

const report =
  'import { cpuUsage } from "node:process";\nconst { user, system } = cpuUsage();\nconsole.log(user + system);\n';

/** Adds the programs; `doors` are all public modules of the library. */
export function addStartPrograms(project: UserProject, doors: readonly string[]): void {
  const imported = { bare: [], library: ["assent"], everything: doors };
  for (const [name, modules] of Object.entries(imported)) {
    project.write(`${name}.mjs`, `${modules.map((each) => `import "${each}";\n`).join("")}${report}`);
  }
}

export function startCosts(project: UserProject, started: Started, rounds: number): StartCosts {
  const start = (name: string): Start => {
    const startedAt = performance.now();
    const micros = project.run(started.program, [...started.args, `${name}.mjs`], started.environment);
    return { cpuMs: Number(micros) / 1_000, wallMs: performance.now() - startedAt };
  };
  const bare: Start[] = [];
  const library: Start[] = [];
  const everything: Start[] = [];
  // The first round fills caches, and does not count.
  for (const name of ["bare", "library", "everything"]) start(name);
  for (let round = 0; round < rounds; round += 1) {
    bare.push(start("bare"));
    library.push(start("library"));
    everything.push(start("everything"));
  }
  return { bareCpuMs: cpuOf(bare), library: added(library, bare), everything: added(everything, bare) };
}

const added = (starts: readonly Start[], bare: readonly Start[]): AddedCost => ({
  cpuMs: cpuOf(starts) - cpuOf(bare),
  wallMs: fastest(starts) - fastest(bare),
});

const cpuOf = (starts: readonly Start[]): number => median(starts.map(({ cpuMs }) => cpuMs));

interface Start {
  readonly cpuMs: number;
  readonly wallMs: number;
}

const fastest = (starts: readonly Start[]): number => Math.min(...starts.map(({ wallMs }) => wallMs));

function median(values: readonly number[]): number {
  const middle = [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error("there is no median of nothing");
  return middle;
}
