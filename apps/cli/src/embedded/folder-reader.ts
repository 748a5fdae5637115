// The stores of a data folder, read while the system is not running on it.
import type { Tables } from "@assent/orchestrator";
import { BatchTables } from "@assent/store-keyed";
import { SqliteEngine } from "@assent/store-sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type DataFolder, lockDataFolder } from "./data-folder.ts";

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

/** @throws {DataFolderInUse} while the system is running on it; {NoSuchData} */
export function readFolder<T>(path: string, read: (folder: DataFolder) => T): T {
  // A folder of something else gets no lock.
  if (!existsSync(join(path, "orders.db"))) throw new NoSuchData(path);
  const folder = lockDataFolder(path, "read");
  try {
    return read(folder);
  } finally {
    folder.release();
  }
}

/** @throws {NoSuchData} */
export function readStore<T>(folder: DataFolder, file: string, read: (tables: Tables) => T): T {
  if (!existsSync(folder.file(file))) throw new NoSuchData(folder.path);
  const engine = new SqliteEngine(folder.file(file));
  try {
    return read(new BatchTables(engine));
  } finally {
    engine.close();
  }
}
