// The door: a SQLite file as the log of one coordinator in one process.
import {
  bindOperations,
  GroupCommitExecutor,
  keyedLog,
  leaseOperations,
  logOperations,
  rowOperations,
} from "assent/internal/engine";
import type { CoordinatorStore, CoordinatorStoreOptions, OpenLog } from "assent/internal/ports";
import { nextTurn } from "assent/node";
import { SqliteEngine } from "../sqlite-engine.ts";
import { UnsuitableFile } from "./unsuitable-file.ts";

const ownerTable = "coordinator";
const ownerKey = "name";

/**
 * Keeps the log of one coordinator in a SQLite file of its own, which no other process can open meanwhile. Writes of
 * one turn of the event loop share one flush to the disk, during which nothing else runs in this thread. Durability D1.
 */
export function sqliteLog(path: string): CoordinatorStore {
  return {
    async openLog({ coordinator, limits, clock }: CoordinatorStoreOptions): Promise<OpenLog> {
      const engine = opened(path);
      try {
        adopt(engine, { coordinator, path });
      } catch (error) {
        engine.close();
        throw error;
      }
      const operations = bindOperations({ ...logOperations, ...rowOperations, ...leaseOperations }, { limits });
      const executor = new GroupCommitExecutor({ engine, operations, schedule: nextTurn, now: () => clock.now() });
      return { log: keyedLog(executor), close: async () => engine.close() };
    },
  };
}

/** @throws {UnsuitableFile} while something else has the file open */
function opened(path: string): SqliteEngine {
  try {
    return new SqliteEngine(path);
  } catch (error) {
    if (!(error instanceof Error) || !/locked/.test(error.message)) throw error;
    throw new UnsuitableFile(path, "another coordinator has it open", { cause: error });
  }
}

/** Binds a new file to its coordinator. @throws {UnsuitableFile} for the file of another one */
function adopt(engine: SqliteEngine, { coordinator, path }: { coordinator: string; path: string }): void {
  const found = engine.get(ownerTable, ownerKey);
  if (found === coordinator) return;
  if (found !== undefined) {
    throw new UnsuitableFile(
      path,
      `it is the log of the coordinator ${JSON.stringify(found)}; give ${coordinator} another file`,
    );
  }
  engine.commit(new Map([[ownerTable, new Map([[ownerKey, coordinator]])]]));
}
