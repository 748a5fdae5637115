// Reads the stores of a data folder while the system is not using it.
import type { Tables } from "assent/internal/ports";
import { BatchTables, type Readable } from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CannotStart } from "../cannot-start.ts";
import { type DataFolder, lockDataFolder } from "./data-folder.ts";

export const storeFiles = ["orders.db", "stock.db", "payment.db"] as const;
export type StoreFile = (typeof storeFiles)[number];

/** The folder contains no checkout data. `code` is stable. */
export class NoSuchData extends Error {
  readonly code = "no_such_data";

  constructor(path: string) {
    super(
      `no data of \`assent serve\` found in ${path}; nothing was created. ` +
        "`assent up` keeps its data in Redis; read it with `assent history ID --topology NAME`.",
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
      `${path} cannot be read (${why}). No record was changed. Opening a store requires some free space and write ` +
        "permission on the folder. Restore a damaged file from a backup: docs/how-to/backup-and-restore.md",
      { cause },
    );
    this.name = "UnreadableData";
  }
}

/** @throws {DataFolderInUse} while the system is using it; {NoSuchData} {UnreadableData}, and errors of `read` */
export function readFolder<T>(path: string, read: (folder: DataFolder) => T): T {
  // Do not lock a folder of something else.
  if (!storeFiles.some((file) => existsSync(join(path, file)))) throw new NoSuchData(path);
  const folder = lockedForReading(path);
  try {
    return read(folder);
  } finally {
    folder.release();
  }
}

/** Asynchronous version for a folder that is known to contain stores. */
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

/** @throws {UnreadableData}, and errors of `read` */
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
