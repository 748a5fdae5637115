// Unpacks a package of the system's own archive into a folder, with the dependencies that the machine lacks.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export interface PackageRequest {
  readonly packageName: string;
  /** Each becomes an executable in the folder that runs the package's binary of this name with its libraries. */
  readonly binaryNames: readonly string[];
  /** Dependencies that are not needed. */
  readonly omitted?: RegExp | undefined;
  /** An existing, empty folder. */
  readonly folder: string;
  /** Folders in which to look for apt-get and dpkg. */
  readonly path: readonly string[];
}

/** The package is not available. `code` is stable. Nothing outside the folder changed. The message continues "and". */
export class PackagesUnavailable extends Error {
  readonly code = "packages_unavailable";

  constructor(message: string) {
    super(message);
    this.name = "PackagesUnavailable";
  }
}

/** Parts of the C library are bound to the machine's own loader: they are never included. */
const boundToMachine = /^(libc6|libc-bin|libcrypt1)$/;
const commandDeadlineMs = 180_000;

/**
 * Downloads and unpacks a package. Uses the system's package lists; if there are none, or they are too old, fetches
 * lists into the folder.
 * @throws {PackagesUnavailable} if there is no apt, or it does not have the package
 */
export async function unpackPackage(request: PackageRequest): Promise<void> {
  const tools = ["apt-get", "dpkg"].map((tool) => {
    const found = request.path.map((folder) => join(folder, tool)).find((file) => existsSync(file));
    if (found === undefined) throw new PackagesUnavailable(`${tool}, which could download it, is missing`);
    return found;
  });
  const [aptGet = "", dpkg = ""] = tools;
  const root = join(request.folder, "root");
  const downloads = join(request.folder, "downloads");
  for (const folder of [root, downloads]) mkdirSync(folder, { recursive: true });
  const first = await attempt(() => download(request, { aptGet, downloads, options: aptOptions(downloads) }));
  if (first !== undefined) {
    const options = [...aptOptions(downloads), ...privateLists(downloads)];
    // Some of the machine's sources may be unreachable and not needed.
    const updated = await run(aptGet, [...options, "update"], downloads);
    const second = await attempt(() => download(request, { aptGet, downloads, options }));
    if (second !== undefined) {
      throw new PackagesUnavailable(`apt-get does not have it: ${second} (apt-get update: ${updated.errors})`);
    }
  }
  for (const file of readdirSync(downloads).filter((name) => name.endsWith(".deb"))) {
    const { ok, errors } = await run(dpkg, ["-x", join(downloads, file), root], downloads);
    if (!ok) throw new PackagesUnavailable(`dpkg cannot unpack ${file}: ${errors}`);
  }
  rmSync(downloads, { recursive: true });
  for (const binaryName of request.binaryNames) writeRunner(binaryName, request, root);
}

interface Download {
  readonly aptGet: string;
  readonly downloads: string;
  readonly options: readonly string[];
}

async function download(
  { packageName, omitted }: PackageRequest,
  { aptGet, downloads, options }: Download,
): Promise<void> {
  const plan = ["--simulate", "--no-install-recommends", "install", packageName];
  const planned = await run(aptGet, [...options, ...plan], downloads);
  if (!planned.ok) throw new PackagesUnavailable(planned.errors);
  const lacking = [...planned.output.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name.replace(/:.*$/, ""));
  const isWanted = (name: string): boolean => !boundToMachine.test(name) && omitted?.test(name) !== true;
  const names = [...new Set([packageName, ...lacking])].filter(isWanted);
  process.stderr.write(`assent: apt-get download ${names.join(" ")}\n`);
  const downloaded = await run(aptGet, [...options, "download", ...names], downloads);
  if (!downloaded.ok) throw new PackagesUnavailable(downloaded.errors);
}

function aptOptions(downloads: string): readonly string[] {
  return [
    "-o=Acquire::Retries=3",
    "-o=Acquire::http::Timeout=30",
    "-o=Acquire::https::Timeout=30",
    `-o=Dir::Cache=${join(downloads, "cache")}`,
    // Root's apt hands its downloads to a user that cannot write here.
    ...(process.getuid?.() === 0 ? ["-o=APT::Sandbox::User=root"] : []),
  ];
}

function privateLists(downloads: string): readonly string[] {
  const lists = join(downloads, "lists");
  for (const folder of [join(lists, "partial"), join(downloads, "cache", "archives", "partial")]) {
    mkdirSync(folder, { recursive: true });
  }
  return [`-o=Dir::State::lists=${lists}`];
}

/** Writes a script that starts the unpacked binary with the unpacked libraries, wherever the folder is moved to. */
function writeRunner(binaryName: string, { packageName, folder }: PackageRequest, root: string): void {
  const files = readdirSync(root, { recursive: true, withFileTypes: true });
  const binary = files.find((file) => file.name === binaryName && /\/s?bin$/.test(file.parentPath));
  if (binary === undefined) throw new PackagesUnavailable(`the package ${packageName} contains no ${binaryName}`);
  const isLibrary = /\.so(\.|$)/;
  const libraries = new Set(files.filter(({ name }) => isLibrary.test(name)).map(({ parentPath }) => parentPath));
  const inFolder = (path: string): string => `"$here"/'${relative(folder, path)}'`;
  const lines = [
    "#!/bin/sh",
    "here=${0%/*}",
    `LD_LIBRARY_PATH=${[...libraries].map(inFolder).join(":")}`,
    "export LD_LIBRARY_PATH",
    `exec ${inFolder(join(binary.parentPath, binary.name))} "$@"`,
  ];
  const runner = join(folder, binaryName);
  writeFileSync(runner, `${lines.join("\n")}\n`);
  chmodSync(runner, 0o755);
}

/** The error, if there was one. */
async function attempt(action: () => Promise<void>): Promise<string | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (!(error instanceof PackagesUnavailable)) throw error;
    return error.message;
  }
}

interface Finished {
  readonly ok: boolean;
  readonly output: string;
  /** The error in one line. */
  readonly errors: string;
}

/** Runs a command of the system without a shell. Never rejects. */
function run(file: string, args: readonly string[], folder: string): Promise<Finished> {
  return new Promise((resolve) => {
    const env = {
      ...process.env,
      LC_ALL: "C",
      DEBIAN_FRONTEND: "noninteractive",
      PATH: `${dirname(file)}:/usr/bin:/bin`,
    };
    const child = spawn(file, args, {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: commandDeadlineMs,
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk: unknown) => (output += String(chunk)));
    child.stderr.on("data", (chunk: unknown) => (errors += String(chunk)));
    child.once("error", (error) => (errors += error.message));
    child.once("close", (status) => {
      const inOneLine = errors.trim().replace(/\s*\n\s*/g, "; ") || `exit code ${status}`;
      resolve({ ok: status === 0, output, errors: inOneLine });
    });
  });
}
