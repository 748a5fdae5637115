// The books of running services at one moment.
import { bookStoreOfMaps, type BookStores } from "@assent/books";
import { bookTables, readServerTables } from "@assent/books/server-tables";
import { type DatabaseSettings, keyPrefix } from "./database-settings.ts";
import {
  databaseOf,
  type OfEach,
  onDatabases,
  pauseLimitMs,
  type PauseLimits,
  whilePaused,
} from "./paused-databases.ts";

/** Reading takes as long as the books are large. */
const readingLimits: PauseLimits = { aloneMs: 20_000, watchedMs: 1_000 };

/** The databases were not read as of one moment. Nothing was changed. `code` is stable. */
export class BooksMoved extends Error {
  readonly code = "books_moved";

  constructor(limitMs: number) {
    super(
      `something was written while the books were read, for which writes wait up to ${limitMs} ms, or a database was ` +
        "about to be replaced: they are not of one moment. Nothing was changed; ask again when there is less to do, " +
        "and one audit or backup at a time.",
    );
    this.name = "BooksMoved";
  }
}

/** @throws {DatabaseUnreadable} {BooksMoved} */
export async function readRunningBooks(settings: OfEach<DatabaseSettings>): Promise<BookStores> {
  const limitMs = pauseLimitMs(settings, readingLimits);
  const { found } = await onDatabases(settings, (ports) =>
    whilePaused(ports, {
      settings,
      limitMs,
      work: async (port, part) => {
        const prefix = keyPrefix(settings[part], part);
        const maps = await readServerTables(port, { prefix, tables: bookTables[part] });
        return bookStoreOfMaps(databaseOf(part), (table) => maps.get(table));
      },
    }),
  );
  if (found === undefined) throw new BooksMoved(limitMs);
  return found;
}
