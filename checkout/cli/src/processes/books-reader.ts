// The books of running services as of one point in time.
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

/** Reading takes longer for larger books. */
const readingLimits: PauseLimits = { aloneMs: 20_000, watchedMs: 1_000 };

/** The databases could not be read as of one point in time. Nothing was changed. `code` is stable. */
export class BooksMoved extends Error {
  readonly code = "books_moved";

  constructor(limitMs: number) {
    super(
      `the databases could not be read as of one point in time: something was written meanwhile (writes wait up to ` +
        `${limitMs} ms), or a database was about to be replaced. Nothing was changed; try again under less load, and ` +
        "run one audit or backup at a time.",
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
