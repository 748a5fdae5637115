// The runtimes that the packages are proved on: each an npm package with the program inside, at an exact version.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Runtime {
  readonly name: string;
  /** The npm package that carries it. */
  readonly carrier: string;
  readonly version: string;
  /** Its program, inside that package. */
  readonly program: string;
  /** What comes before the file to run. */
  readonly args: readonly string[];
}

const processor = process.arch;

const node = (version: string): Runtime => ({
  name: "Node",
  carrier: `node-linux-${processor}`,
  version,
  program: "bin/node",
  args: ["--disable-warning=ExperimentalWarning"],
});

/** The oldest Node that the packages name in `engines` comes first. */
export const runtimes: readonly Runtime[] = [
  node("22.16.0"),
  node("22.23.3"),
  node("24.21.0"),
  node("26.12.1"),
  {
    name: "Bun",
    // On x64, the build that needs no AVX2.
    carrier: processor === "arm64" ? "@oven/bun-linux-aarch64" : "@oven/bun-linux-x64-baseline",
    version: "1.4.5",
    program: "bin/bun",
    args: ["run"],
  },
  {
    name: "Deno",
    carrier: `@deno/linux-${processor}-glibc`,
    version: "2.9.6",
    program: "deno",
    args: ["run", "--quiet", "--allow-all"],
  },
];

/** Compilers that users may have. */
export const typescriptVersions: readonly string[] = ["5.9.3", "6.0.3", "7.0.2"];

/** The program of a runtime. */
export function obtainRuntime({ carrier, version, program }: Runtime): string {
  return join(obtainPackage(carrier, version), program);
}

/** The compiler of a version of TypeScript. */
export function obtainTypescript(version: string): string {
  return join(obtainPackage("typescript", version), "../.bin/tsc");
}

/** Installs a package into the user's cache folder, once, without its scripts. @returns the folder of the package */
function obtainPackage(name: string, version: string): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const prefix = join(cache, "assent/runtimes", `${name.replaceAll("/", "-")}-${version}`);
  const folder = join(prefix, "node_modules", name);
  if (existsSync(join(prefix, "node_modules/.package-lock.json"))) return folder;
  mkdirSync(prefix, { recursive: true });
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", prefix];
  execFileSync("npm", ["install", ...flags, `${name}@${version}`], {
    cwd: prefix,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return folder;
}
