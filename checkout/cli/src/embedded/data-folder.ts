// The data folder of the embedded topology, used by one process at a time. The lock is SQLite's own lock on a separate
// file: the operating system releases it when the process ends, however it ends.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { makePrivateFolder } from "@assent/local-servers";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { unusableFolder } from "../cannot-start.ts";

/** The purpose of opening a folder, and the message when it is in use. */
const refusals = {
  start: "Nothing was started. Stop that process, or choose another folder with --data and another port with --port.",
  read: "Nothing was read. Stop that process and try again.",
} as const;
type Purpose = keyof typeof refusals;

/** Another process uses the folder. Nothing was started or read. `code` is stable. */
export class DataFolderInUse extends Error {
  readonly code = "data_folder_in_use";

  constructor(folder: string, holder: string, purpose: Purpose) {
    super(`${folder} is in use by process ${holder}. ${refusals[purpose]}`);
    this.name = "DataFolderInUse";
  }
}

const lockFile = "lock.db";

export interface DataFolder {
  readonly path: string;
  file(name: string): string;
  release(): void;
}

/** SQLite's primary result code for a lock held by another process: https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

/** @throws {DataFolderInUse}; {CannotStart} */
export function lockDataFolder(path: string, purpose: Purpose = "start"): DataFolder {
  const holderFile = join(path, "holder.txt");
  const opened: { lock?: DatabaseSync } = {};
  try {
    // A folder with other contents, such as a home folder, keeps its mode: each file written there is private itself.
    if (!existsSync(path) || (purpose === "start" && isOurs(path))) makePrivateFolder(path);
    const lock = new DatabaseSync(join(path, lockFile));
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

/** Whether a process uses the folder now. Creates and changes nothing. */
export function isDataFolderHeld(path: string): boolean {
  const file = join(path, lockFile);
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

/** Whether a folder is empty or was used as data folder before. */
function isOurs(path: string): boolean {
  return readdirSync(path).length === 0 || existsSync(join(path, lockFile));
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === sqliteBusy;
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "(unknown)";
  }
}
