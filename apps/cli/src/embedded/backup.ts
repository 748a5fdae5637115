// A backup of the three stores as they are at one moment: what a crash at that moment would have left (ADR 0018).
import { newMeeting, SqliteEngine, type StoreCopy } from "@assent/store-sqlite";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DataFolder } from "./data-folder.ts";
import { type StoreFile, storeFiles } from "./folder-reader.ts";
import { markStopped } from "./mark-stores.ts";

/** No backup was made. The message says why. `code` is stable. */
export class BackupFailed extends Error {
  readonly code = "backup_failed";

  constructor(folder: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`There is no backup in ${folder}: ${why}. The data was not changed.`, { cause });
    this.name = "BackupFailed";
  }
}

export type Copies = Readonly<Record<StoreFile, (copy: StoreCopy) => Promise<void>>>;

/** Creates the folder with all three copies, durable, or does not create it. @throws {BackupFailed} */
export async function backUp(target: string, copies: Copies): Promise<void> {
  const partial = `${target}.partial`;
  try {
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new Error("the folder is not empty; name a new one");
    mkdirSync(dirname(target), { recursive: true });
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: 0o700 });
    const shared = { meeting: newMeeting(), parties: storeFiles.length };
    const settled = await Promise.allSettled(
      storeFiles.map((file) => copies[file]({ ...shared, path: join(partial, file) })),
    );
    const failed = settled.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    // A copy is complete in its one file, even if the system was running.
    markStopped(storeFiles.map((file) => join(partial, file)));
    for (const name of [...storeFiles, ""]) await flush(join(partial, name));
    renameSync(partial, target);
    await flush(dirname(target));
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw new BackupFailed(target, error);
  }
}

/** Copies a folder that no system runs on: nothing changes meanwhile. */
export function copiesAtRest(folder: DataFolder): Copies {
  const copy =
    (file: StoreFile) =>
    ({ path }: StoreCopy): Promise<void> => {
      const engine = new SqliteEngine(folder.file(file));
      try {
        engine.copyTo(path);
      } finally {
        engine.close();
      }
      return Promise.resolve();
    };
  return { "orders.db": copy("orders.db"), "stock.db": copy("stock.db"), "payment.db": copy("payment.db") };
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
