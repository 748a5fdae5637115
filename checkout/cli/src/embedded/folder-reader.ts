// The stores of a data folder, read while the system is not running on it.
import type { Tables } from "assent/internal/ports";
import { BatchTables, type Readable } from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CannotStart } from "../cannot-start.ts";
import { type DataFolder, lockDataFolder } from "./data-folder.ts";

export const storeFiles = ["orders.db", "stock.db", "payment.db"] as const;
export type StoreFile = (typeof storeFiles)[number];

/** There is nothing to read. `code` is stable. */
export class NoSuchData extends Error {
  readonly code = "no_such_data";

  constructor(path: string) {
    super(
      `there is no checkout data of \`assent serve\` in ${path}; nothing was created. ` +
        "What `assent up` runs keeps its data in Redis: `assent history ID --topology NAME` reads it.",
    );
    this.name = "NoSuchData";
  }
}

/** A store in the folder cannot be read. `code` is stable. */
export class UnreadableData extends Error {
  readonly code = "data_unreadable";

  constructor(path: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      `${path} cannot be read (${why}). No record was changed. Opening a store needs some free space and the right ` +
        "to write to the folder. A file that is damaged has to come from a backup: docs/how-to/backup-and-restore.md",
      { cause },
    );
    this.name = "UnreadableData";
  }
}

/** @throws {DataFolderInUse} while the system runs on it; {NoSuchData} {UnreadableData}, and what `read` throws */
export function readFolder<T>(path: string, read: (folder: DataFolder) => T): T {
  // A folder of something else gets no lock.
  if (!storeFiles.some((file) => existsSync(join(path, file)))) throw new NoSuchData(path);
  const folder = lockedForReading(path);
  try {
    return read(folder);
  } finally {
    folder.release();
  }
}

/** The same for asynchronous work, on a folder that is known to hold stores. */
export async function readFolderAsync<T>(path: string, read: (folder: DataFolder) => Promise<T>): Promise<T> {
  const folder = lockedForReading(path);
  try {
    return await read(folder);
  } finally {
    folder.release();
  }
}

export interface OpenStore {
  readonly engine: Readable;
  readonly close: () => void;
}

/** @throws {UnreadableData} */
export function openStore(folder: DataFolder, file: StoreFile): OpenStore {
  const path = folder.file(file);
  if (!existsSync(path)) throw new UnreadableData(path, "the file is missing");
  const failed = (error: unknown): never => {
    throw new UnreadableData(path, error);
  };
  const guarded =
    <A extends readonly unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return work(...args);
      } catch (error) {
        return failed(error);
      }
    };
  const engine = guarded(() => new SqliteEngine(path))();
  return {
    engine: {
      get: guarded((table, key) => engine.get(table, key)),
      scan: guarded((table, range) => engine.scan(table, range)),
    },
    close: guarded(() => engine.close()),
  };
}

/** @throws {UnreadableData}, and what `read` throws */
export function readStore<T>(folder: DataFolder, file: StoreFile, read: (tables: Tables) => T): T {
  const { engine, close } = openStore(folder, file);
  try {
    return read(new BatchTables(engine));
  } finally {
    close();
  }
}

function lockedForReading(path: string): DataFolder {
  try {
    return lockDataFolder(path, "read");
  } catch (error) {
    throw error instanceof CannotStart ? new UnreadableData(path, error.cause) : error;
  }
}
