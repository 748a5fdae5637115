// `assent backup`: a consistent copy of a data folder, whether or not the system is running on it.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { backUp, BackupFailed, copiesAtRest } from "./embedded/backup.ts";
import { askForBackup } from "./embedded/control-socket.ts";
import { isDataFolderHeld } from "./embedded/data-folder.ts";
import { NoSuchData, readFolderAsync } from "./embedded/folder-reader.ts";

/** @throws {BackupFailed} {NoSuchData} {DataFolderInUse} {UnreadableData} */
export async function backup(dataFolder: string, to: string): Promise<string> {
  const target = resolve(to);
  if (!existsSync(join(dataFolder, "orders.db"))) throw new NoSuchData(dataFolder);
  if (!isDataFolderHeld(dataFolder)) {
    await readFolderAsync(dataFolder, (folder) => backUp(target, copiesAtRest(folder)));
    return target;
  }
  try {
    await askForBackup(dataFolder, target);
  } catch (error) {
    if (!isUnheard(error)) throw new BackupFailed(target, error);
    const why = new Error("the process that has the data takes no requests; stop it, and ask again", { cause: error });
    throw new BackupFailed(target, why);
  }
  return target;
}

function isUnheard(error: unknown): boolean {
  const codes: readonly unknown[] = ["ENOENT", "ECONNREFUSED", "EINVAL"];
  return error instanceof Error && "code" in error && codes.includes(error.code);
}
