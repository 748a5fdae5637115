// The folder of a backup. It gets its name when everything in it is complete and flushed.
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { systemRandom } from "assent/node";

/** No backup was made. The message says why. `code` is stable. */
export class BackupFailed extends Error {
  readonly code = "backup_failed";

  constructor(folder: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`There is no backup in ${folder}: ${why.replace(/\.$/, "")}. The data was not changed.`, { cause });
    this.name = "BackupFailed";
  }
}

/**
 * Makes the folder with what `fill` writes into it, durable, or does not make it.
 * @throws {BackupFailed}
 */
export async function makeBackup(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  // Of this backup alone: another one to the same folder may be under way.
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

/** Removes what there is of a backup that failed; answers why it failed, and what could not be removed. */
function withoutRest(partial: string, error: unknown): unknown {
  try {
    rmSync(partial, { recursive: true, force: true });
    return error;
  } catch (cause) {
    return new Error(`${String(error)}; remove ${partial}, which could not be removed (${String(cause)})`, { cause });
  }
}

/** A backup inside the data would be lost with it, and would be part of the next one. @throws {BackupFailed} */
export function mustBeOutside(target: string, data: string): void {
  const way = relative(realpathSync(data), realPathOf(target));
  if (way === "" || !/^\.\.(\/|$)/.test(way)) {
    throw new BackupFailed(target, `it is inside ${data}, which it is a backup of; name a folder outside`);
  }
}

function mustBeFree(target: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) throw new Error("the folder is not empty; name a new one");
}

/** Also of a folder that is not there yet. */
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
