// At each start of a topology, before a service runs: checks that its databases belong together and writes the mark of
// the start to each. The mark is an ordinary record, as durable as the database and replicated with it (ADR 0024).
import { errorCode, isOutOfSpace } from "../error-code.ts";
import {
  areUnmarked,
  holdData,
  judgeMarks,
  judgeUnmarked,
  marksOfStart,
  readMark,
  stopped,
  type StoreMark,
  writeMark,
} from "@assent/books";
import { operation } from "assent/internal/ports";
import { bindOperations } from "assent/internal/engine";
import { systemClock, systemRandom } from "assent/node";
import { setTimeout as pause } from "node:timers/promises";
import { CannotStart, doNotBelongTogether } from "../cannot-start.ts";
import { readRunningBooks } from "./books-reader.ts";
import { type Database, openDatabase } from "./database.ts";
import { type DatabaseSettings, keyPrefix } from "./database-settings.ts";
import { databaseNames, databaseOf, type OfEach, type Part } from "./paused-databases.ts";

const markOperations = {
  readMark: operation("readMark", (tables, _nothing: null): StoreMark | null => readMark(tables) ?? null),
  writeMark: operation("writeMark", (tables, mark: StoreMark): null => {
    writeMark(tables, mark);
    return null;
  }),
};

type MarkedDatabases = OfEach<Database>;

export interface Marking {
  readonly settings: OfEach<DatabaseSettings>;
  /** Name of the topology. */
  readonly topology: string;
  readonly folder: string;
  /** Whether databases that do not belong together are accepted. */
  readonly accept: boolean;
}

/** How long databases that start together may take to accept writes: their replicas must attach first. */
const markMaxMs = 60_000;
const againMs = 100;

/** @throws {CannotStart} {UnsuitableServer} */
export async function markDatabases(marking: Marking): Promise<void> {
  const opened: Database[] = [];
  const open = async (part: Part): Promise<Database> => {
    const settings = marking.settings[part];
    const prefix = keyPrefix(settings, part);
    const database = await openDatabase({
      settings,
      name: "assent-start",
      prefix,
      operations: bindOperations(markOperations, {}),
    });
    opened.push(database);
    return database;
  };
  try {
    const databases = { orders: await open("orders"), stock: await open("stock"), payment: await open("payment") };
    await markAll(databases, marking);
  } finally {
    for (const database of opened) await database.close();
  }
}

async function markAll(databases: MarkedDatabases, { settings, topology, folder, accept }: Marking): Promise<void> {
  const read = async (part: Part): Promise<StoreMark | undefined> => {
    const mark = await patiently(databaseOf(part), () => databases[part].store.run(markOperations.readMark, null));
    return mark ?? undefined;
  };
  const marks = { orders: await read("orders"), stock: await read("stock"), payment: await read("payment") };
  // New, or written by an earlier version: only the books can be checked.
  const books = areUnmarked(marks) ? await patiently("all databases", () => readRunningBooks(settings)) : undefined;
  const problems = books === undefined ? judgeMarks(marks, databaseNames) : judgeUnmarked(books);
  if (problems.length > 0 && !accept) {
    throw doNotBelongTogether({ place: folder, problems, remedy: remedyFor(topology) });
  }
  const planned = marksOfStart(marks, {
    start: { token: systemRandom.name(), at: systemClock.now() },
    system: marks.orders?.system ?? systemRandom.name(),
    hasData: books !== undefined && holdData(books),
    accepted: problems,
  });
  try {
    for (const { store, mark } of planned) {
      // A server's files are always complete, so the mark need not record whether it is running.
      await patiently(databaseOf(store), () => databases[store].store.run(markOperations.writeMark, stopped(mark)));
    }
  } catch (error) {
    // Same as an interrupted marking: the same databases are used as before, and the next start resumes it.
    if (!isOutOfSpace(error)) throw error;
    console.error("assent: no space left to record this start in the databases; the next start will retry.");
  }
}

/** Reading or writing a mark is idempotent, so an unknown outcome is retried. */
async function patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
  const until = systemClock.monotonic() + markMaxMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error) || !passing.has(errorCode(error))) throw error;
      if (systemClock.monotonic() >= until) throw notRecorded(what, error);
      await pause(againMs);
    }
  }
}

/** Codes of what may pass: the databases have not started yet, or one replaces another. */
const passing: ReadonlySet<string | undefined> = new Set([
  "step_failed",
  "store_broken",
  "database_unreadable",
  "books_moved",
]);

function notRecorded(what: string, cause: Error): CannotStart {
  const why = `${what} did not respond successfully within ${markMaxMs / 1_000} s (${cause.message})`;
  const remedy = "The next start resumes. The logs of the databases are in their folders.";
  const message = `This start cannot be recorded: ${why}. No service was started. ${remedy}`;
  return new CannotStart("start_not_recorded", message, { cause });
}

function remedyFor(topology: string): readonly string[] {
  return [
    "Restore the whole folder of one backup (docs/how-to/backup-and-restore.md). To start on the databases as they",
    `are, accepting the loss of missing data: npx assent up --topology ${topology} --accept-stores. Afterwards`,
    `\`npx assent audit --topology ${topology}\` reports what is missing.`,
  ];
}
