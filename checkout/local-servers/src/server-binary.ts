// Finds the binary of a server: on the PATH, in our cache, or, the first time, in a package of the system's archive,
// which is unpacked into the cache. Nothing is installed, and root is not needed.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { accessSync, constants, existsSync, globSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { PackagesUnavailable, unpackPackage } from "./debian-package.ts";

export type ServerName = "redis-server" | "nats-server" | "haproxy" | "postgres" | "python3";

export interface BinarySearch {
  /** Folders, first to last. */
  readonly path: readonly string[];
  readonly cacheFolder: string;
}

/** A server is not available on this machine. `code` is stable. Nothing was installed, started or left behind. */
export class ServerUnavailable extends Error {
  readonly code = "server_unavailable";

  constructor(name: ServerName, reason: string, options?: ErrorOptions) {
    super(`${name} is not installed on this machine, and ${reason}. ${remedies[name]}`, options);
    this.name = "ServerUnavailable";
  }
}

const remedies: Readonly<Record<ServerName, string>> = {
  "redis-server": "Install Redis 7 or later (package redis-server or redis) so that redis-server is on the PATH.",
  "nats-server": "Install NATS 2.9 or later (package nats-server) so that nats-server is on the PATH.",
  haproxy: "Install HAProxy 2.6 or later (package haproxy) so that haproxy is on the PATH.",
  postgres: "Install PostgreSQL 15 or later (package postgresql) so that postgres and initdb are on the PATH.",
  python3: "Install Python 3.9 or later (package python3) so that python3 is on the PATH.",
};

/** Where Debian installs some servers, outside some users' PATH. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/** Arguments that print the version of each. */
const versionArgs: Readonly<Record<ServerName, string>> = {
  "redis-server": "--version",
  "nats-server": "--version",
  haproxy: "-v",
  postgres: "--version",
  python3: "--version",
};
/** What their packages need to be installed, and the servers do not need to run. */
const omittedPackages: Partial<Record<ServerName, RegExp>> = {
  // A compiler of queries, which is loaded when it is there; and the tools of a system's own clusters.
  postgres:
    /^(libllvm|libz3|libedit|perl|libperl|libgdbm|locales|ssl-cert|netbase|tzdata|lsb|ucf|libc-l10n|postgresql-c)/,
};
/** Other programs of the package that are used. */
const companions: Partial<Record<ServerName, readonly string[]>> = { postgres: ["initdb"] };

const obtaining = new Map<string, Promise<string>>();

/**
 * The absolute path of a file that runs this server. Looked up on the PATH and in the cache folder
 * (`ASSENT_SERVERS_CACHE`, else `assent/servers` in the user's cache folder). If it is in neither, its Debian package
 * and the libraries that the machine lacks are unpacked into the cache folder, once.
 * @throws {ServerUnavailable} with installation instructions
 */
export async function serverBinary(name: ServerName, search: BinarySearch = ownSearch(name)): Promise<string> {
  const installed = search.path.map((folder) => join(folder, name)).find(isExecutable);
  if (installed !== undefined) return installed;
  const key = join(search.cacheFolder, name);
  let obtained = obtaining.get(key);
  if (obtained === undefined) {
    obtained = cachedOrObtained(name, search);
    obtaining.set(key, obtained);
    // A failure does not affect the next call.
    obtained.catch(() => obtaining.delete(key));
  }
  return obtained;
}

function ownSearch(name: ServerName): BinarySearch {
  const { env } = process;
  const path = (env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return {
    path: [...path, ...systemFolders, ...(name === "postgres" ? postgresFolders() : [])],
    cacheFolder: env["ASSENT_SERVERS_CACHE"] || join(userCache(name), "assent", "servers"),
  };
}

/** PostgreSQL refuses to run as root, and nobody else can enter the home of root. */
function userCache(name: ServerName): string {
  if (name === "postgres" && process.getuid?.() === 0) return "/var/cache";
  return process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
}

/** Where Debian keeps the versions of PostgreSQL side by side; the newest first. */
function postgresFolders(): readonly string[] {
  const versionOf = (folder: string): number => Number(/(\d+)\/bin$/.exec(folder)?.[1]);
  return globSync("/usr/lib/postgresql/*/bin").toSorted((a, b) => versionOf(b) - versionOf(a));
}

async function cachedOrObtained(name: ServerName, search: BinarySearch): Promise<string> {
  const cached = join(search.cacheFolder, name);
  const binary = join(cached, name);
  // A cache may have been filled on another version of the system.
  if (runs(binary, name)) return binary;
  const temporary = join(search.cacheFolder, `.${name}-${randomUUID()}`);
  try {
    mkdirSync(temporary, { recursive: true });
    process.stderr.write(`assent: obtaining ${name}, which is not on the PATH, for ${cached}\n`);
    await unpackPackage({
      packageName: name === "postgres" ? "postgresql" : name,
      binaryNames: [name, ...(companions[name] ?? [])],
      omitted: omittedPackages[name],
      folder: temporary,
      path: search.path,
    });
    if (!runs(join(temporary, name), name)) {
      throw new ServerUnavailable(
        name,
        `its package was unpacked, but does not run: ${trial(join(temporary, name), name)}`,
      );
    }
    adopt(temporary, cached, () => runs(binary, name));
    return binary;
  } catch (cause) {
    if (!(cause instanceof PackagesUnavailable)) throw cause;
    throw new ServerUnavailable(name, cause.message, { cause });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Moves a complete folder into place, unless another process was first; whichever is in place is complete. */
export function adopt(complete: string, place: string, isUsable: () => boolean): void {
  if (existsSync(place) && !isUsable()) renameSync(place, `${complete}-replaced`);
  try {
    renameSync(complete, place);
  } catch (error) {
    if (!isUsable()) throw error;
  } finally {
    rmSync(`${complete}-replaced`, { recursive: true, force: true });
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function runs(binary: string, name: ServerName): boolean {
  return isExecutable(binary) && trial(binary, name) === "";
}

/** The error if it does not even print its version. */
function trial(binary: string, name: ServerName): string {
  const { status, stderr, error } = spawnSync(binary, [versionArgs[name]], { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? "" : `${error?.message ?? stderr}`.trim() || `exit code ${status}`;
}
