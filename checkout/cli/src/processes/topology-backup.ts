// A backup of a running topology: the append-only files of its three databases as of one point in time (ADR 0024).
import { firstDatabase, type ServiceName } from "@assent/topology";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeBackup } from "../backup-folder.ts";
import { databaseOf, type OfEach, onDatabases, type Part, parts, whilePaused } from "./paused-databases.ts";
import { pauseLimitMs, type PauseLimits } from "./paused-databases.ts";
import { type AppendOnlyFiles, copyAppendOnlyFiles, takeAppendOnlyFiles } from "./append-only-files.ts";
import type { DatabaseSettings } from "./database-settings.ts";

/** Writes wait for milliseconds, or for this long if the backup is killed meanwhile. */
const takingLimits: PauseLimits = { aloneMs: 2_000, watchedMs: 1_000 };

export interface CutLimits {
  /** Number of attempts to find a time at which all three databases are idle. */
  readonly attemptsMax: number;
  readonly betweenMs: number;
}

const cutLimits: CutLimits = { attemptsMax: 20, betweenMs: 500 };

export interface TopologyBackup {
  readonly topology: "local" | "sentinel";
  readonly settings: OfEach<DatabaseSettings>;
  readonly target: string;
  readonly limits?: CutLimits;
}

const serviceOf: OfEach<ServiceName> = { orders: "order", stock: "stock", payment: "payment" };

/** Returns how long writes waited, in milliseconds. @throws {BackupFailed} */
export async function backUpTopology({
  topology,
  settings,
  target,
  limits = cutLimits,
}: TopologyBackup): Promise<number> {
  let waitedMs = 0;
  await makeBackup(target, async (folder) => {
    const opened: FileHandle[] = [];
    try {
      const { files, pausedMs } = await takeAll(settings, { opened, limits });
      waitedMs = pausedMs;
      for (const part of parts) {
        await copyAppendOnlyFiles(files[part], join(folder, firstDatabase[topology](serviceOf[part])));
      }
    } finally {
      for (const handle of opened) await handle.close();
    }
  });
  return waitedMs;
}

interface Taking {
  readonly opened: FileHandle[];
  readonly limits: CutLimits;
}

interface Taken {
  readonly files: OfEach<AppendOnlyFiles>;
  readonly pausedMs: number;
}

function takeAll(
  settings: OfEach<DatabaseSettings>,
  { opened, limits: { attemptsMax, betweenMs } }: Taking,
): Promise<Taken> {
  const limitMs = pauseLimitMs(settings, takingLimits);
  return onDatabases(settings, async (ports) => {
    let why = "";
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      if (attempt > 1) await pause(betweenMs);
      const { found, pausedMs } = await whilePaused(ports, {
        settings,
        limitMs,
        work: (port, part) => takeAppendOnlyFiles(port, opened).catch((error: unknown) => refuse(part, error)),
      });
      const rewriting = parts.find((part) => found !== undefined && found[part] === undefined);
      if (found !== undefined && rewriting === undefined) return { files: found as OfEach<AppendOnlyFiles>, pausedMs };
      why = rewriting === undefined ? moved : `${databaseOf(rewriting)} is rewriting its append-only file`;
    }
    throw new Error(
      `all three databases were never idle at the same time in ${attemptsMax} attempts (last reason: ${why}); ` +
        "try again under less load, and run one audit or backup at a time",
    );
  });
}

const moved = "something was written during the pause, or a database was about to be replaced";

function refuse(part: Part, error: unknown): never {
  if (error instanceof Error && "syscall" in error) {
    throw new Error(`the files of ${databaseOf(part)} cannot be read here: ${error.message}`, { cause: error });
  }
  throw error;
}
