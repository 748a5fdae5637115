// `assent backup`: a consistent copy of a data folder, whether or not the system is using it, or of the databases of a
// running topology.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { BackupFailed, mustBeOutside } from "./backup-folder.ts";
import { backUp, copiesAtRest } from "./embedded/backup.ts";
import { askForBackup } from "./embedded/control-socket.ts";
import { isDataFolderHeld } from "./embedded/data-folder.ts";
import { NoSuchData, readFolderAsync } from "./embedded/folder-reader.ts";
import { type CutLimits, backUpTopology } from "./processes/topology-backup.ts";
import { databasesOfRunning, folderOf, type RunningTopology } from "./running-topology.ts";

/** @throws {BackupFailed} {NoSuchData} {DataFolderInUse} {UnreadableData} */
export async function backup(dataFolder: string, to: string): Promise<string> {
  const target = resolve(to);
  if (!existsSync(join(dataFolder, "orders.db"))) throw new NoSuchData(dataFolder);
  mustBeOutside(target, dataFolder);
  if (!isDataFolderHeld(dataFolder)) {
    await readFolderAsync(dataFolder, (folder) => backUp(target, copiesAtRest(folder)));
    return target;
  }
  try {
    await askForBackup(dataFolder, target);
  } catch (error) {
    if (!isUnheard(error)) throw new BackupFailed(target, error);
    const why = new Error("the process that uses the data takes no requests; stop it and try again", { cause: error });
    throw new BackupFailed(target, why);
  }
  return target;
}

export interface BackedUpTopology {
  readonly folder: string;
  readonly target: string;
  /** How long writes waited, in milliseconds. */
  readonly waitedMs: number;
}

/** @throws {NothingRuns} {BackupFailed} */
export async function backupTopology(
  running: RunningTopology,
  to: string,
  limits?: CutLimits,
): Promise<BackedUpTopology> {
  const target = resolve(to);
  const folder = folderOf(running);
  const settings = databasesOfRunning(running);
  mustBeOutside(target, folder);
  const topology = running.topology === "sentinel" ? "sentinel" : "local";
  const waitedMs = await backUpTopology({ topology, settings, target, ...(limits !== undefined && { limits }) });
  return { folder, target, waitedMs };
}

function isUnheard(error: unknown): boolean {
  const codes: readonly unknown[] = ["ENOENT", "ECONNREFUSED", "EINVAL"];
  return error instanceof Error && "code" in error && codes.includes(error.code);
}
