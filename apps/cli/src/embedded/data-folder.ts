// The data folder of the embedded topology, held by one process at a time. The lock is SQLite's own on a file of its
// own: the operating system lets go of it when the process ends, however it ends.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { unusableFolder } from "../cannot-start.ts";

/** Another process has the folder. Nothing was started. `code` is stable. */
export class DataFolderInUse extends Error {
  readonly code = "data_folder_in_use";

  constructor(folder: string, holder: string) {
    super(
      `${folder} is in use by process ${holder}. Nothing was started. Stop that process, ` +
        "or set ASSENT_DATA to another folder (and PORT to another port).",
    );
    this.name = "DataFolderInUse";
  }
}

export interface DataFolder {
  readonly path: string;
  file(name: string): string;
  release(): void;
}

/** SQLite's primary result code for a lock that another process has: https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

/** @throws {DataFolderInUse}; {CannotStart} */
export function lockDataFolder(path: string): DataFolder {
  const holderFile = join(path, "holder.txt");
  const opened: { lock?: DatabaseSync } = {};
  try {
    mkdirSync(path, { recursive: true });
    const lock = new DatabaseSync(join(path, "lock.db"));
    opened.lock = lock;
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    writeFileSync(holderFile, `${process.pid}\n`);
    return { path, file: (name) => join(path, name), release: () => lock.close() };
  } catch (error) {
    opened.lock?.close();
    if (isBusy(error)) throw new DataFolderInUse(path, readHolder(holderFile));
    throw unusableFolder(path, error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && ((error.errcode as number) & 0xff) === sqliteBusy;
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "(unknown)";
  }
}
