// A program in a folder of its own, with its dependencies from the registry, and what that takes.
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Program } from "./program.ts";

export interface Installation {
  readonly folder: string;
  readonly seconds: number;
  readonly packages: number;
  readonly megabytes: number;
  /** Of what the program names itself. */
  readonly versions: readonly string[];
  /** Of the program, without blank lines, comments and tables. */
  readonly lines: number;
}

export interface InstallationOptions {
  readonly source: string;
  readonly folder: string;
  /** Of packages that no registry has. */
  readonly tarballs: readonly string[];
}

export async function install({ source, folder, tarballs }: InstallationOptions): Promise<Installation> {
  cpSync(source, folder, { recursive: true });
  const startedAt = performance.now();
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs];
  await Program.start({ command: "npm", args, folder }).done();
  const seconds = (performance.now() - startedAt) / 1000;
  const { packages } = readJson<{ packages: Record<string, { version: string }> }>(
    join(folder, "node_modules/.package-lock.json"),
  );
  const { dependencies } = readJson<{ dependencies: Record<string, string> }>(join(folder, "package.json"));
  const measured = await Program.start({ command: "du", args: ["-sk", "node_modules"], folder }).done();
  return {
    folder,
    seconds,
    packages: Object.keys(packages).length,
    megabytes: Number.parseInt(measured, 10) / 1024,
    versions: Object.keys(dependencies).map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`),
    lines: linesOf(source),
  };
}

/** Lines of a program that are not blank and no comments. */
export function linesOf(source: string): number {
  const files = readdirSync(source).filter((name) => name.endsWith(".ts"));
  const lines = files.flatMap((name) => readFileSync(join(source, name), "utf8").split("\n"));
  return lines.filter((line) => !/^\s*(?:$|\/\/|\/?\*)/.test(line)).length;
}

function readJson<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(file, "utf8")) as Shape;
}

/** The packages of this repository, as they would be published. */
export async function packed(folder: string): Promise<readonly string[]> {
  const repository = join(import.meta.dirname, "../../..");
  const args = ["tools/build.ts", "--pack", folder];
  await Program.start({ command: process.execPath, args, folder: repository }).done();
  return readdirSync(folder)
    .filter((name) => /^assent-(?:postgres-)?\d/.test(name))
    .map((name) => join(folder, name));
}
