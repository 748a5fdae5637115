// Folders that only their owner can look into: what lies in them is nobody else's, whatever the modes of the files are.
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const ownerOnly = 0o700;

/**
 * Makes a folder, with those above it, for this user alone. One that is there already and is this user's own is closed
 * to others. Not by `recursive`, which never ends where a folder cannot be made although its parent is there, as in
 * /proc.
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
