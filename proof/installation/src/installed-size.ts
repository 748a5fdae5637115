// What an installation weighs: the files of a package, by their lengths.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface InstalledSize {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  readonly packedBytes: number;
  /** Packages of others that it brings. */
  readonly dependencies: readonly string[];
}

export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

export function bytesOf(folder: string): number {
  return filesOf(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}
