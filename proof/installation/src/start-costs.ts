// What it costs to start a program that imports the library, beside one that imports nothing. The two alternate, so
// that a machine that becomes slower meanwhile slows both. Each reports the CPU time of its process, which other work
// on the machine changes little, and is also timed from outside.
import type { UserProject } from "./user-project.ts";

export interface StartCosts {
  /** Medians of CPU time. */
  readonly bareCpuMs: number;
  readonly addedCpuMs: number;
  /** By the clock: the fastest start with the import, less the fastest without. */
  readonly addedWallMs: number;
}

export interface Started {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

const report =
  'import { cpuUsage } from "node:process";\nconst { user, system } = cpuUsage();\nconsole.log(user + system);\n';

/** Adds the two programs. */
export function addStartPrograms(project: UserProject, doors: readonly string[]): void {
  project.write("bare.mjs", report);
  project.write("importing.mjs", `${doors.map((door) => `import "${door}";\n`).join("")}${report}`);
}

export function startCosts(project: UserProject, started: Started, rounds: number): StartCosts {
  const start = (file: string): Start => {
    const startedAt = performance.now();
    const micros = project.run(started.program, [...started.args, file], started.environment);
    return { cpuMs: Number(micros) / 1_000, wallMs: performance.now() - startedAt };
  };
  const bare: Start[] = [];
  const importing: Start[] = [];
  // The first round fills caches, and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    const pair = [start("bare.mjs"), start("importing.mjs")] as const;
    if (round === 0) continue;
    bare.push(pair[0]);
    importing.push(pair[1]);
  }
  const bareCpuMs = median(bare.map(({ cpuMs }) => cpuMs));
  return {
    bareCpuMs,
    addedCpuMs: median(importing.map(({ cpuMs }) => cpuMs)) - bareCpuMs,
    addedWallMs: fastest(importing) - fastest(bare),
  };
}

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
