// A backup of the three stores as of one point in time: the state that a crash at that time would leave (ADR 0018).
import { newMeeting, SqliteEngine, type StoreCopy } from "@assent/sqlite";
import { join } from "node:path";
import { makeBackup } from "../backup-folder.ts";
import type { DataFolder } from "./data-folder.ts";
import { type StoreFile, storeFiles } from "./folder-reader.ts";
import { markStopped } from "./mark-stores.ts";

export type Copies = Readonly<Record<StoreFile, (copy: StoreCopy) => Promise<void>>>;

/** Creates the folder with all three copies, or not at all. @throws {BackupFailed} */
export function backUp(target: string, copies: Copies): Promise<void> {
  return makeBackup(target, async (folder) => {
    const shared = { meeting: newMeeting(), parties: storeFiles.length };
    const settled = await Promise.allSettled(
      storeFiles.map((file) => copies[file]({ ...shared, path: join(folder, file) })),
    );
    const failed = settled.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    // A copy is complete in its single file, even if the system was running.
    markStopped(storeFiles.map((file) => join(folder, file)));
  });
}

/** Copies a folder that is not in use: nothing changes meanwhile. */
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
