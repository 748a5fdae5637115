// The data folder of the embedded topology, held by one process at a time. The lock is SQLite's own on a file of its
// own: the operating system lets go of it when the process ends, however it ends.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { unusableFolder } from "../cannot-start.ts";

/** What a folder is wanted for, and what is said when it cannot be had. */
const refusals = {
  start: "Nothing was started. Stop that process, or name another folder with --data and another port with --port.",
  read: "Nothing was read. Stop that process, and ask again.",
} as const;
type Purpose = keyof typeof refusals;

/** Another process has the folder. Nothing was started, nor read. `code` is stable. */
export class DataFolderInUse extends Error {
  readonly code = "data_folder_in_use";

  constructor(folder: string, holder: string, purpose: Purpose) {
    super(`${folder} is in use by process ${holder}. ${refusals[purpose]}`);
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
export function lockDataFolder(path: string, purpose: Purpose = "start"): DataFolder {
  const holderFile = join(path, "holder.txt");
  const opened: { lock?: DatabaseSync } = {};
  try {
    makeFolder(path);
    const lock = new DatabaseSync(join(path, "lock.db"));
    opened.lock = lock;
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    writeFileSync(holderFile, `${process.pid}\n`);
    return { path, file: (name) => join(path, name), release: () => lock.close() };
  } catch (error) {
    opened.lock?.close();
    if (isBusy(error)) throw new DataFolderInUse(path, readHolder(holderFile), purpose);
    throw unusableFolder(path, error);
  }
}

/** Whether a process has the folder now. Makes and changes nothing. */
export function isDataFolderHeld(path: string): boolean {
  const file = join(path, "lock.db");
  if (!existsSync(file)) return false;
  const lock = new DatabaseSync(file, { readOnly: true });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    lock.close();
  }
}

/** Not by `recursive`, which never ends where a folder cannot be made although its parent is there, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
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
