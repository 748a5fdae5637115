// Folders that only their owner can enter: no other user can read what is in them, whichever modes the files have.
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const ownerOnly = 0o700;

/**
 * Makes a folder, and its parents, for this user alone. A folder that exists and belongs to this user is closed to
 * others. It does not use `recursive`, which never returns where a folder cannot be made although its parent exists,
 * as in /proc.
 */
export function makePrivateFolder(path: string): void {
  if (!existsSync(path)) {
    makeFolders(path);
  } else if (statSync(path).uid === process.getuid?.()) {
    chmodSync(path, ownerOnly);
  }
}

function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path, { mode: ownerOnly });
}
