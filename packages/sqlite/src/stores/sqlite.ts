// The door: a SQLite file of the user's as the store of a service.
import type { OpenBranches, ServiceStore, ServiceStoreOptions } from "assent/internal/participant";
import { DatabaseSync } from "node:sqlite";
import { SqliteBranches } from "./sqlite-branches.ts";
import { turnsOf } from "./turns.ts";
import { UnsuitableFile } from "./unsuitable-file.ts";

/** How long a step waits for a writer of another connection, milliseconds. This thread does nothing else meanwhile. */
const busyWaitMs = 1_000;

/**
 * Takes part in transactions with the tables of a SQLite file. Handlers get the connection of the store, inside the
 * transaction that also holds the branch's record; the application may use the file through connections of its own
 * meanwhile. Steps of one store run one after the other, so a handler should wait for nothing but its database.
 * Its own table, `assent_branches`, is made when it is not there. Durability D1: WAL and `synchronous = FULL`.
 */
export function sqlite(path: string): ServiceStore<DatabaseSync> {
  return {
    async openBranches(options: ServiceStoreOptions<DatabaseSync>): Promise<OpenBranches> {
      const database = new DatabaseSync(path, { timeout: busyWaitMs });
      try {
        makeDurable(database, path);
        const branches = new SqliteBranches({ database, turns: turnsOf(path), ...options });
        return {
          branches,
          async close() {
            await branches.idle();
            database.close();
          },
        };
      } catch (error) {
        database.close();
        throw error;
      }
    },
  };
}

/** @throws {UnsuitableFile} for a database in memory, and for a file system on which SQLite has no log */
function makeDurable(database: DatabaseSync, path: string): void {
  const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal") {
    throw new UnsuitableFile(path, `its journal mode is ${String(mode)}, and a crash would lose what was answered`);
  }
  database.exec("PRAGMA synchronous = FULL");
}
