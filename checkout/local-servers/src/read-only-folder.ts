// A disk that was remounted read-only, as a kernel does after a failure: files opened from now on can only be read.
// Files that are already open are not affected.
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const writeBits = 0o222;

/**
 * Nothing in the folder or below it can be written, created or removed until the returned function is called. For root,
 * which ignores permissions, it is mounted read-only over itself.
 * @throws Error if root may not mount, as in many containers
 */
export function makeReadOnly(folder: string): () => void {
  return process.getuid?.() === 0 ? mountReadOnly(folder) : forbidWriting(folder);
}

/** https://man7.org/linux/man-pages/man8/mount.8.html, "bind mount operation" */
function mountReadOnly(folder: string): () => void {
  run("mount", "--bind", folder, folder);
  try {
    run("mount", "-o", "remount,ro,bind", folder);
  } catch (error) {
    run("umount", folder);
    throw error;
  }
  return () => run("umount", "--lazy", folder);
}

function forbidWriting(folder: string): () => void {
  const places = [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))];
  const modes = places.map((place) => [place, statSync(place).mode] as const);
  for (const [place, mode] of modes) chmodSync(place, mode & ~writeBits);
  return () => {
    for (const [place, mode] of modes) chmodSync(place, mode);
  };
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
