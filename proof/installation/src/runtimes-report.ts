// The report of a proof over all runtimes, and the limits that it is held to.
import type { InstalledSize } from "./installed-size.ts";
import type { RuntimeTrial } from "./runtime-trial.ts";
import type { TypeCheck } from "./user-project.ts";

/** Bytes of the library once it is installed. */
export const libraryBytesMax = 1_000_000;
/** How much CPU time importing the library may add to the start of a program. */
export const importMsMax = 150;

export interface CompilerTrial {
  readonly version: string;
  readonly resolution: TypeCheck["resolution"];
  readonly problem: string | undefined;
}

export interface Proof {
  readonly rounds: number;
  readonly trials: readonly RuntimeTrial[];
  readonly compilers: readonly CompilerTrial[];
  readonly sizes: readonly InstalledSize[];
}

/** What failed, and which limits were exceeded. */
export function problemsOf({ trials, compilers, sizes }: Proof): readonly string[] {
  return [
    ...trials.flatMap(({ runtime: { name, version }, problems }) =>
      problems.map((each) => `${name} ${version}: ${each}`),
    ),
    ...trials.flatMap(({ runtime: { name, version }, start }) =>
      start !== undefined && start.everything.cpuMs > importMsMax
        ? [`${name} ${version}: importing all adds ${start.everything.cpuMs.toFixed(0)} ms, limit ${importMsMax}`]
        : [],
    ),
    ...compilers.flatMap(({ version, resolution, problem }) =>
      problem === undefined ? [] : [`TypeScript ${version} (${resolution}): ${problem}`],
    ),
    ...sizes.flatMap(({ name, bytes }) =>
      name === "assent" && bytes > libraryBytesMax ? [`assent has ${bytes} bytes, limit ${libraryBytesMax}`] : [],
    ),
  ];
}

export function reportOf({ rounds, trials, compilers, sizes }: Proof): string {
  return `# Runtimes and compilers

Written by \`npm run proof -- runtimes\`. It packs every package, installs the tarballs into an empty folder without a
network, compiles programs there with \`tsc\`, and runs them on each runtime: the
[trip](../../examples/trip/trip.ts), a program that reopens a SQLite file, and one that imports every module of every
package. Runtimes and compilers are npm packages of exact versions, kept in the user's cache folder. \`npm test\` does
the same on the Node that it runs on.

## Runtimes

${tableOf(runtimeColumns, trials.map(cellsOfRuntime))}

\`assent\` and all public modules of it are imported by programs that do nothing else, which start in turn with one that
imports nothing, ${rounds} times each. CPU times are medians. By the clock of a machine that also does other work, the
fastest start with all modules is compared with the fastest bare one. Limit: ${importMsMax} ms of CPU time for all
modules. The first row is the oldest version that \`engines\` allows.

## TypeScript

${tableOf(
  ["version", "resolution", "accepted"],
  compilers.map(({ version, resolution, problem }) => [version, `\`${resolution}\``, verdict(problem === undefined)]),
)}

\`skipLibCheck\` is off, \`strict\` is on. The library is also checked by itself, without \`@types/node\` and with
\`exactOptionalPropertyTypes\`; the types of \`@nats-io/nats-core\` have errors under that option.

## Size

${tableOf(
  ["package", "files", "installed", "tarball", "packages of others"],
  sizes.map(({ name, files, bytes, packedBytes, dependencies }) => [
    `\`${name}\``,
    `${files}`,
    kilobytes(bytes),
    kilobytes(packedBytes),
    dependencies.map((each) => `\`${each}\``).join(", ") || "none",
  ]),
)}

Limit: ${kilobytes(libraryBytesMax)} for \`assent\`.
`;
}

const runtimeColumns = [
  "runtime",
  "version",
  "trip",
  "SQLite file",
  "every module loads",
  "bare start, CPU",
  "`assent` adds",
  "all modules add",
  "ratio",
  "all modules add, clock",
];

function cellsOfRuntime({ runtime: { name, version }, problems, start }: RuntimeTrial): readonly string[] {
  const passed = (what: string): string => verdict(!problems.some((problem) => problem.startsWith(what)));
  const cells = [name, version, passed("the trip"), passed("the SQLite file"), passed("loading")];
  if (start === undefined) return [...cells, "–", "–", "–", "–"];
  const { bareCpuMs, library, everything } = start;
  const ratio = ((bareCpuMs + everything.cpuMs) / bareCpuMs).toFixed(1);
  const costs = [bareCpuMs, library.cpuMs, everything.cpuMs].map(milliseconds);
  return [...cells, ...costs, ratio, milliseconds(everything.wallMs)];
}

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(columns), `|${"---|".repeat(columns.length)}`, ...rows.map(line)].join("\n");
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`;
const milliseconds = (ms: number): string => `${ms.toFixed(0)} ms`;
const verdict = (passed: boolean): string => (passed ? "yes" : "**no**");
