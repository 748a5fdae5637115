// A user's project: an empty folder outside of this repository, in which npm installs tarballs without a network and
// with an empty cache. Packages of others are there before: copies of what this repository has installed.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type PackedPackage, readManifest, repository } from "./packed-packages.ts";

/** What the programs of this proof import beside the published packages, and the types that they are checked with. */
const neededByPrograms = ["zod", "@types/node"];

const programFiles = [
  "examples/trip/trip.ts",
  "proof/installation/programs/kept.ts",
  "proof/installation/programs/schema.ts",
  "proof/installation/programs/typed.ts",
];
/** Documents whose first sample is a program. */
const readmes = ["packages/conformance/README.md", "packages/sqlite/README.md"];

export interface TypeCheck {
  readonly files: readonly string[];
  readonly resolution: "nodenext" | "bundler";
  /** Whether the types of Node are there, or only those of the language and the web. */
  readonly withNode: boolean;
  /** Left out, the compiler of this repository. */
  readonly compiler?: string;
  /** Where compiled files go; left out, nothing is written. */
  readonly outDir?: string;
}

export class UserProject {
  readonly folder: string;
  /** Files with programs, once they are there. */
  readonly programs: string[] = [];

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder);
    this.write("package.json", JSON.stringify({ name: "project", version: "1.0.0", type: "module" }));
  }

  install(packages: readonly PackedPackage[]): void {
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    this.run("npm", ["install", ...flags, ...packages.map(({ tarball }) => tarball)]);
  }

  /**
   * Installs the packages beside what they and the programs of this proof need. Adds the programs, and two that import
   * everything: of the library (`library.ts`), and of all packages (`all.ts`).
   */
  installWithPrograms(packages: readonly PackedPackage[]): void {
    for (const { manifest } of packages) for (const name of Object.keys(manifest.dependencies ?? {})) this.#copy(name);
    for (const name of neededByPrograms) this.#copy(name);
    const dependencies = Object.fromEntries(
      neededByPrograms.map((name) => [name, readManifest(this.installed(name)).version]),
    );
    this.write("package.json", JSON.stringify({ name: "project", version: "1.0.0", type: "module", dependencies }));
    this.install(packages);
    this.#addPrograms();
    this.write("library.ts", importing(packages.filter(({ manifest: { name } }) => name === "assent")));
    this.write("all.ts", importing(packages));
  }

  /** Type-checks files as a user does who does not skip the types of libraries. */
  typeCheck({ files, resolution, withNode, compiler, outDir }: TypeCheck): void {
    const compilerOptions = {
      target: "es2022",
      module: resolution === "bundler" ? "esnext" : "nodenext",
      moduleResolution: resolution,
      strict: true,
      skipLibCheck: false,
      types: withNode ? ["node"] : [],
      // The types of @nats-io/nats-core have errors with this option.
      exactOptionalPropertyTypes: !withNode,
      ...(outDir === undefined ? { noEmit: true } : { outDir, rootDir: "." }),
    };
    this.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    this.run(compiler ?? join(repository, "node_modules/.bin/tsc"), ["-p", "."]);
  }

  /** What the command prints. @throws with what it printed, when it fails */
  run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
    const env = { ...userEnvironment(), npm_config_cache: join(this.folder, "../npm-cache"), ...environment };
    try {
      return execFileSync(command, args, { cwd: this.folder, encoding: "utf8", env, stdio: "pipe" });
    } catch (cause) {
      const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
      throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause });
    }
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  installed(name: string): string {
    return join(this.folder, "node_modules", name);
  }

  #addPrograms(): void {
    for (const path of programFiles) this.#addProgram(basename(path), readFileSync(join(repository, path), "utf8"));
    for (const path of readmes) {
      const sample = /^```ts\n([\s\S]*?)^```/m.exec(readFileSync(join(repository, path), "utf8"))?.[1];
      if (sample === undefined) throw new Error(`${path} has no sample`);
      this.#addProgram(`readme-of-${basename(dirname(path))}.ts`, sample);
    }
  }

  #addProgram(name: string, text: string): void {
    this.write(name, text);
    this.programs.push(name);
  }

  /** Copies a package of others, and what it depends on. */
  #copy(name: string): void {
    const from = join(repository, "node_modules", name);
    if (!existsSync(from)) throw new Error(`${name} is not installed here: run npm ci --ignore-scripts`);
    if (existsSync(this.installed(name))) return;
    cpSync(from, this.installed(name), { recursive: true });
    for (const next of Object.keys(readManifest(from).dependencies ?? {})) this.#copy(next);
  }
}

/** A program that imports everything that packages export, and prints how many modules have names at run time. */
function importing(packages: readonly PackedPackage[]): string {
  const specifiers = packages.flatMap(({ manifest: { name, exports = {} } }) =>
    Object.entries(exports).flatMap(([path, target]) => (isModule(target) ? [`${name}${path.slice(1)}`] : [])),
  );
  const imports = specifiers.map((specifier, index) => `import * as m${index} from '${specifier}';`);
  const modules = specifiers.map((_, index) => `m${index}`).join(", ");
  return [...imports, `console.log([${modules}].filter((names) => Object.keys(names).length > 0).length);`, ""].join(
    "\n",
  );
}

/** A target that was compiled has types; another is a file as it is, such as SQL. */
const isModule = (target: unknown): boolean => typeof target === "object" && target !== null && "types" in target;

/** Without what `npm test` and the test runner have set for their own processes. */
function userEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|NODE_TEST)/i.test(name)),
  );
}
