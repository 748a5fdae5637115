// At each start: checks that the stores of the folder belong together, and writes the mark of the start to each.
import { isOutOfSpace } from "../error-code.ts";
import {
  areUnmarked,
  bookStoreOfEngine,
  type BookStores,
  holdData,
  judgeCopies,
  judgeMarks,
  judgeUnmarked,
  type MarkedStore,
  markStart,
  readMark,
  stopped,
  type StoreMarks,
  writeMark,
} from "@assent/books";
import { systemClock, systemRandom } from "assent/node";
import { BatchTables } from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { doNotBelongTogether } from "../cannot-start.ts";
import type { DataFolder } from "./data-folder.ts";

interface OpenedStore {
  readonly engine: SqliteEngine;
  readonly tables: BatchTables;
}

type OpenedStores = Readonly<Record<keyof StoreMarks, OpenedStore>>;

/** Names the system that the folder belongs to. It is copied with the folder, but not with single stores. */
const systemFile = "system.txt";
const remedy = [
  "Restore all three files of one backup (docs/how-to/backup-and-restore.md); `npx assent audit` reports what is",
  "missing. To start on the stores as they are, accepting the loss of missing data: npx assent serve --accept-stores",
];

/**
 * Call it before the stores are used.
 * @param accept whether stores that do not belong together are accepted
 * @throws {CannotStart} stores_do_not_belong_together; the engine's error if a store cannot be opened
 */
export function markStores(folder: DataFolder, accept: boolean): void {
  const opened: SqliteEngine[] = [];
  const open = (file: string): OpenedStore => {
    const engine = new SqliteEngine(folder.file(file));
    opened.push(engine);
    return { engine, tables: new BatchTables(engine) };
  };
  try {
    const stores = { orders: open("orders.db"), stock: open("stock.db"), payment: open("payment.db") };
    const marks = marksOf(stores);
    // New, or written by an earlier version: only the books can be checked.
    const books = areUnmarked(marks) ? booksOf(stores) : undefined;
    const problems = books === undefined ? judgeFolderMarks(folder, marks) : judgeUnmarked(books);
    if (problems.length > 0 && !accept) throw doNotBelongTogether({ place: folder.path, problems, remedy });
    mark(folder, stores, { accepted: problems, hasData: books !== undefined && holdData(books) });
  } finally {
    for (const engine of opened) engine.close();
  }
}

function booksOf({ orders, stock, payment }: OpenedStores): BookStores {
  return {
    orders: bookStoreOfEngine("orders.db", orders.engine),
    stock: bookStoreOfEngine("stock.db", stock.engine),
    payment: bookStoreOfEngine("payment.db", payment.engine),
  };
}

/** What the marks show about the stores of a folder. */
export function judgeFolderMarks(folder: DataFolder, marks: StoreMarks): readonly string[] {
  const path = folder.file(systemFile);
  const beside = existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  return [...judgeMarks(marks), ...judgeCopies(marks, beside)];
}

/** Call it after everything is closed: then each file is complete. */
export function markStopped(files: readonly string[]): void {
  for (const file of files) {
    const engine = new SqliteEngine(file);
    try {
      const store = markedStore({ engine, tables: new BatchTables(engine) });
      const mark = store.read();
      if (mark?.isRunning === true) store.write(stopped(mark));
    } catch (error) {
      // The store stays marked as running, which only affects copies of single files.
      if (!isOutOfSpace(error)) throw error;
    } finally {
      engine.close();
    }
  }
}

function mark(
  folder: DataFolder,
  { orders, stock, payment }: OpenedStores,
  judged: { readonly accepted: readonly string[]; readonly hasData: boolean },
): void {
  const start = { token: systemRandom.name(), at: systemClock.now() };
  const stores = { orders: markedStore(orders), stock: markedStore(stock), payment: markedStore(payment) };
  const system = readMark(orders.tables)?.system ?? systemRandom.name();
  try {
    writeFileSync(folder.file(systemFile), `${system}\n`);
    markStart(stores, { start, system, ...judged });
  } catch (error) {
    // Same as an interrupted marking: the same stores are used as before, and the next start resumes it.
    if (!isOutOfSpace(error)) throw error;
    console.error("assent: no space left to record this start in the stores; the next start will retry.");
  }
}

function marksOf({ orders, stock, payment }: OpenedStores): StoreMarks {
  return { orders: readMark(orders.tables), stock: readMark(stock.tables), payment: readMark(payment.tables) };
}

function markedStore({ engine, tables }: OpenedStore): MarkedStore {
  return {
    read: () => readMark(tables),
    write(value) {
      writeMark(tables, value);
      try {
        engine.commit(tables.writes);
      } finally {
        tables.clear();
      }
    },
  };
}
