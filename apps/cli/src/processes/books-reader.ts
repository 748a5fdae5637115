// The books of running services at one moment: all three databases make writes wait while they are read.
import { bookStoreOfMaps, type BookStores, bookTables, readServerTables } from "@assent/books";
import { RedisErrorReply, type RedisPort, type RedisReply } from "@assent/store-redis";
import { onDatabase, unreadable } from "./database-reader.ts";
import { type DatabaseSettings, keyPrefix } from "./database-settings.ts";

type Part = keyof BookStores;
type OfEach<T> = Readonly<Record<Part, T>>;

/**
 * How long writes wait at most: if this process dies, they go on then. Sentinels take a server for dead whose writes
 * wait for longer than they wait for a reply.
 */
export const pauseMaxMs = { alone: 20_000, watched: 1_000 } as const;

/** Something was written before everything was read. Nothing was changed. `code` is stable. */
export class BooksMoved extends Error {
  readonly code = "books_moved";

  constructor(limitMs: number) {
    super(
      `something was written while the books were read, for which writes wait up to ${limitMs} ms: they are not of ` +
        "one moment. Nothing was changed; ask again when there is less to do, and one audit at a time.",
    );
    this.name = "BooksMoved";
  }
}

export const databaseOf = (part: Part): string => `the database of ${part}`;

/** @throws {DatabaseUnreadable} {BooksMoved} */
export async function readRunningBooks(settings: OfEach<DatabaseSettings>): Promise<BookStores> {
  const on = <T>(part: Part, work: (port: RedisPort) => Promise<T>): Promise<T> => onDatabase(settings[part], work);
  return on("orders", (orders) =>
    on("stock", (stock) => on("payment", (payment) => readPaused({ orders, stock, payment }, settings))),
  );
}

async function readPaused(ports: OfEach<RedisPort>, settings: OfEach<DatabaseSettings>): Promise<BookStores> {
  const isWatched = Object.values(settings).some(({ SENTINEL_HOSTS }) => SENTINEL_HOSTS !== undefined);
  const limitMs = pauseMaxMs[isWatched ? "watched" : "alone"];
  const ofEach = <T>(work: (port: RedisPort, part: Part) => Promise<T>): Promise<OfEach<T>> => {
    const named = (part: Part): Promise<T> =>
      work(ports[part], part).catch((error: unknown) => {
        throw unreadable(settings[part], error);
      });
    return allOf({ orders: named("orders"), stock: named("stock"), payment: named("payment") });
  };
  try {
    await ofEach((port) => send(port, ["CLIENT", "PAUSE", String(limitMs), "WRITE"]));
    const before = await ofEach(writesOf);
    const stores = await ofEach(async (port, part) => {
      const maps = await readServerTables(port, { prefix: keyPrefix(settings[part], part), tables: bookTables[part] });
      return bookStoreOfMaps(databaseOf(part), (table) => maps.get(table));
    });
    const after = await ofEach(writesOf);
    for (const part of ["orders", "stock", "payment"] as const) {
      if (before[part] !== after[part]) throw new BooksMoved(limitMs);
    }
    return stores;
  } finally {
    await ofEach((port) => send(port, ["CLIENT", "UNPAUSE"]));
  }
}

/** Waits for all of them, also when one fails, so that no command is still under way afterwards. */
async function allOf<T>(work: OfEach<Promise<T>>): Promise<OfEach<T>> {
  await Promise.allSettled(Object.values(work));
  return { orders: await work.orders, stock: await work.stock, payment: await work.payment };
}

/** A counter that every write advances. */
async function writesOf(port: RedisPort): Promise<string | undefined> {
  return /^rdb_changes_since_last_save:(\d+)/m.exec(String(await send(port, ["INFO", "persistence"])))?.[1];
}

async function send(port: RedisPort, command: readonly string[]): Promise<RedisReply> {
  const [reply] = await port.send([command]);
  if (reply instanceof RedisErrorReply) throw reply;
  return reply ?? null;
}
