import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** The paths in a folder, and the folder itself, that other users of the machine could read, write or enter. */
export function openToOthers(folder: string): readonly string[] {
  const all = [folder, ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))];
  return all.filter((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && (found.mode & 0o077) !== 0;
  });
}
