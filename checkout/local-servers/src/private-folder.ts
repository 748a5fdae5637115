// Folders that only their owner can enter: no other user can read their contents, whichever modes the files have.
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const ownerOnly = 0o700;

/**
 * Creates a folder, and its parents, for this user only. An existing folder of this user is closed to others. It does
 * not use `recursive`, which never returns if a folder cannot be created although its parent exists, as in /proc.
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
