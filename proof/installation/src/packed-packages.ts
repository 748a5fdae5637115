// The published packages as tarballs in a folder of their own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository: string = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  /** What is in the tarball beside manifest, README and licence. */
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface PackedPackage {
  /** Its folder in this repository, relative. */
  readonly source: string;
  /** The folder that was packed. */
  readonly built: string;
  readonly manifest: Manifest;
  readonly tarball: string;
}

export class PackedPackages {
  /** Outside of this repository. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "assent-installed-"));
  readonly all: readonly PackedPackage[];

  constructor() {
    try {
      this.all = packedInto(this.folder);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function packedInto(folder: string): readonly PackedPackage[] {
  const [builds, tarballs] = [join(folder, "built"), join(folder, "tarballs")];
  const args = ["tools/build.ts", "--out", builds, "--pack", tarballs];
  execFileSync(process.execPath, args, { cwd: repository, stdio: ["ignore", "ignore", "inherit"] });
  return readdirSync(builds).map((each) => {
    const built = join(builds, each);
    const manifest = readManifest(built);
    const tarball = `${manifest.name.replace(/^@/, "").replace("/", "-")}-${manifest.version}.tgz`;
    return { source: `packages/${each}`, built, manifest, tarball: join(tarballs, tarball) };
  });
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
