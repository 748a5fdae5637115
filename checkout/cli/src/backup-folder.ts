// The folder of a backup. It is renamed into place once all its contents are complete and flushed.
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { systemRandom } from "assent/node";

/** No backup was made. The message gives the reason. `code` is stable. */
export class BackupFailed extends Error {
  readonly code = "backup_failed";

  constructor(folder: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`No backup was made in ${folder}: ${why.replace(/\.$/, "")}. The data was not changed.`, { cause });
    this.name = "BackupFailed";
  }
}

/**
 * Creates the folder with the contents written by `fill`: complete and durable, or not at all.
 * @throws {BackupFailed}
 */
export async function makeBackup(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  // Unique to this backup: another backup to the same folder may be in progress.
  const partial = `${target}.partial-${systemRandom.name()}`;
  try {
    mustBeFree(target);
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(partial, { mode: 0o700 });
    await fill(partial);
    await flushAll(partial);
    mustBeFree(target);
    renameSync(partial, target);
    await flush(dirname(target));
  } catch (error) {
    throw new BackupFailed(target, withoutRest(partial, error));
  }
}

/** Removes the rest of a failed backup. Returns the failure, including what could not be removed. */
function withoutRest(partial: string, error: unknown): unknown {
  try {
    rmSync(partial, { recursive: true, force: true });
    return error;
  } catch (cause) {
    return new Error(`${String(error)}; remove ${partial} yourself (${String(cause)})`, { cause });
  }
}

/** A backup inside the data folder would be lost with it and copied into the next backup. @throws {BackupFailed} */
export function mustBeOutside(target: string, data: string): void {
  const way = relative(realpathSync(data), realPathOf(target));
  if (way === "" || !/^\.\.(\/|$)/.test(way)) {
    throw new BackupFailed(target, `it is inside the data folder ${data}; choose a folder outside it`);
  }
}

function mustBeFree(target: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) throw new Error("the folder is not empty; name a new one");
}

/** Also works for a folder that does not exist yet. */
function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realPathOf(dirname(path)), basename(path));
}

async function flushAll(folder: string): Promise<void> {
  const inside = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  for (const path of [...inside, folder]) await flush(path);
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
