// At each start of a topology, before a service runs: whether its databases belong together, and the mark of the start
// in each of them. It is a record like any other, as durable as the database is, and replicated with it (ADR 0024).
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
import type { Tables } from "assent/internal/ports";
import { StoreFailure } from "assent/internal/engine";
import { systemClock, systemRandom } from "assent/node";
import { setTimeout as pause } from "node:timers/promises";
import { CannotStart, doNotBelongTogether } from "../cannot-start.ts";
import { BooksMoved, readRunningBooks } from "./books-reader.ts";
import { type Database, openDatabase } from "./database.ts";
import { DatabaseUnreadable } from "./database-reader.ts";
import { type DatabaseSettings, keyPrefix } from "./database-settings.ts";
import { databaseNames, databaseOf, type OfEach, type Part } from "./paused-databases.ts";

const markOperations = {
  readMark: (tables: Tables, _args: null): StoreMark | null => readMark(tables) ?? null,
  writeMark(tables: Tables, mark: StoreMark): null {
    writeMark(tables, mark);
    return null;
  },
};

type MarkedDatabases = OfEach<Database<typeof markOperations>>;

export interface Marking {
  readonly settings: OfEach<DatabaseSettings>;
  /** Of the topology. */
  readonly topology: string;
  readonly folder: string;
  /** Whether databases that do not belong together are used as they are. */
  readonly accept: boolean;
}

/** How long databases that start together may take until they write: replicas follow first. */
const markMaxMs = 60_000;
const againMs = 100;

/** @throws {CannotStart} {UnsuitableServer} */
export async function markDatabases(marking: Marking): Promise<void> {
  const opened: Database<typeof markOperations>[] = [];
  const open = async (part: Part): Promise<Database<typeof markOperations>> => {
    const settings = marking.settings[part];
    const prefix = keyPrefix(settings, part);
    const database = await openDatabase({ settings, name: "assent-start", prefix, operations: markOperations });
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
    const mark = await patiently(databaseOf(part), () => databases[part].store.run("readMark", null));
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
      // A server's files are complete at every moment, so it need not be known whether it runs.
      await patiently(databaseOf(store), () => databases[store].store.run("writeMark", stopped(mark)));
    }
  } catch (error) {
    // As if marking had been cut off here: the same databases are served as before, and the next start continues it.
    if (!isFull(error)) throw error;
    console.error("assent: there is no room to note this start in the databases; the next one will try again.");
  }
}

/** Reading or writing a mark a second time does what it did the first time, so an unknown outcome is tried again. */
async function patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
  const until = systemClock.monotonic() + markMaxMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isOfDatabase = [StoreFailure, DatabaseUnreadable, BooksMoved].some((kind) => error instanceof kind);
      if (!(error instanceof Error) || !isOfDatabase || isFull(error)) throw error;
      if (systemClock.monotonic() >= until) throw notRecorded(what, error);
      await pause(againMs);
    }
  }
}

const isFull = (error: unknown): boolean => error instanceof StoreFailure && error.code === "store_full";

function notRecorded(what: string, cause: Error): CannotStart {
  const why = `${what} did not answer as needed within ${markMaxMs / 1_000} s (${cause.message})`;
  const remedy = "The next start continues. The logs of the databases are in their folders.";
  const message = `This start cannot be recorded: ${why}. No service was started. ${remedy}`;
  return new CannotStart("start_not_recorded", message, { cause });
}

function remedyFor(topology: string): readonly string[] {
  return [
    "Put back the whole folder of one backup (docs/how-to/backup-and-restore.md). To go on with the databases as they",
    `are, which loses what is missing: npx assent up --topology ${topology} --accept-stores; then`,
    `\`npx assent audit --topology ${topology}\` says what is missing.`,
  ];
}
