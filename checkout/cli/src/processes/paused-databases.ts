// The databases of running services at one point in time: all three pause writes while they are read.
import type { BookStores } from "@assent/books";
import { RedisErrorReply, type RedisPort, type RedisReply } from "@assent/redis";
import { systemClock } from "assent/node";
import { onDatabase, unreadable } from "./database-reader.ts";
import type { DatabaseSettings } from "./database-settings.ts";

export type Part = keyof BookStores;
export type OfEach<T> = Readonly<Record<Part, T>>;
export const parts: readonly Part[] = ["orders", "stock", "payment"];

export const databaseOf = (part: Part): string => `the database of ${part}`;

export const databaseNames: OfEach<string> = {
  orders: databaseOf("orders"),
  stock: databaseOf("stock"),
  payment: databaseOf("payment"),
};

/**
 * How long writes are paused at most, even if this process dies. Sentinels consider a server dead if its writes are
 * paused for longer than they wait for a reply.
 */
export interface PauseLimits {
  readonly aloneMs: number;
  readonly watchedMs: number;
}

/** The limit that applies to these databases. */
export function pauseLimitMs(settings: OfEach<DatabaseSettings>, { aloneMs, watchedMs }: PauseLimits): number {
  return parts.some((part) => settings[part].SENTINEL_HOSTS !== undefined) ? watchedMs : aloneMs;
}

export type DatabaseWork<T> = (port: RedisPort, part: Part) => Promise<T>;

/** Runs work on all three, over a connection to each. @throws {DatabaseUnreadable}, and errors of `work` */
export function onDatabases<T>(
  settings: OfEach<DatabaseSettings>,
  work: (ports: OfEach<RedisPort>) => Promise<T>,
): Promise<T> {
  return onDatabase(settings.orders, (orders) =>
    onDatabase(settings.stock, (stock) => onDatabase(settings.payment, (payment) => work({ orders, stock, payment }))),
  );
}

export interface PausedWork<T> {
  readonly settings: OfEach<DatabaseSettings>;
  readonly limitMs: number;
  /** Runs on all three at the same time. */
  readonly work: DatabaseWork<T>;
}

export interface PausedResult<T> {
  /**
   * Results of all three as of one point in time. Undefined if that is not certain: something was written before the
   * work was done, or the sentinels do not agree that these are the masters.
   */
  readonly found: OfEach<T> | undefined;
  readonly pausedMs: number;
}

/** @throws {DatabaseUnreadable}, and errors of the work */
export async function whilePaused<T>(
  ports: OfEach<RedisPort>,
  { settings, limitMs, work }: PausedWork<T>,
): Promise<PausedResult<T>> {
  const ofEach = <R>(each: DatabaseWork<R>): Promise<OfEach<R>> => {
    const named = (part: Part): Promise<R> =>
      each(ports[part], part).catch((error: unknown) => {
        throw unreadable(settings[part], error);
      });
    return allOf({ orders: named("orders"), stock: named("stock"), payment: named("payment") });
  };
  let found: OfEach<T> | undefined;
  const pausedAt = systemClock.monotonic();
  try {
    await ofEach((port) => send(port, ["CLIENT", "PAUSE", String(limitMs), "WRITE"]));
    const before = await ofEach(writesOf);
    const done = await ofEach(work);
    const after = await ofEach(writesOf);
    if (parts.every((part) => before[part] !== undefined && before[part] === after[part])) found = done;
  } finally {
    await ofEach((port) => send(port, ["CLIENT", "UNPAUSE"]));
  }
  const pausedMs = systemClock.monotonic() - pausedAt;
  // Asked afterwards: a server that had been replaced before would still have answered for itself.
  const areMasters = await ofEach(isMaster);
  return { found: parts.every((part) => areMasters[part]) ? found : undefined, pausedMs };
}

/** @throws {RedisErrorReply} {RepliesLost} */
export async function send(port: RedisPort, command: readonly string[]): Promise<RedisReply> {
  const [reply] = await port.send([command]);
  if (reply instanceof RedisErrorReply) throw reply;
  return reply ?? null;
}

/** Waits for all, even if one fails, so that no command is in flight afterwards. */
async function allOf<T>(work: OfEach<Promise<T>>): Promise<OfEach<T>> {
  await Promise.allSettled(Object.values(work));
  return { orders: await work.orders, stock: await work.stock, payment: await work.payment };
}

/** A counter that every write advances. */
async function writesOf(port: RedisPort): Promise<string | undefined> {
  return /^rdb_changes_since_last_save:(\d+)/m.exec(String(await send(port, ["INFO", "persistence"])))?.[1];
}

/** A sentinel that does not answer may be promoting another server. */
async function isMaster({ mastership }: RedisPort): Promise<boolean> {
  if (mastership === undefined) return true;
  return mastership().then(
    (answer) => answer === "settled",
    () => false,
  );
}
