// The database of a service that runs, read from outside.
import type { Tables } from "assent/internal/ports";
import { readTables, RedisErrorReply, type RedisPort, RepliesLost } from "@assent/redis";
import { databaseConnections } from "./database.ts";
import { type DatabaseSettings, placeOf } from "./database-settings.ts";

/** The database did not answer. Nothing was changed. `code` is stable. */
export class DatabaseUnreadable extends Error {
  readonly code = "database_unreadable";

  constructor(place: string, cause: unknown) {
    const remedy = "Start it, or correct the settings; while another server takes over, ask again.";
    super(`the database cannot be read: ${place}: ${wordsOf(cause)}. Nothing was changed. ${remedy}`, { cause });
    this.name = "DatabaseUnreadable";
  }
}

export interface DatabaseReading<T> {
  readonly settings: DatabaseSettings;
  readonly prefix: string;
  readonly read: (tables: Tables) => T;
}

/** @throws {DatabaseUnreadable}, and what `read` throws */
export function readDatabase<T>({ settings, prefix, read }: DatabaseReading<T>): Promise<T> {
  return onDatabase(settings, (port) => readTables({ port, prefix, read }));
}

/** Work over a connection of its own. @throws {DatabaseUnreadable}, and what `work` throws */
export async function onDatabase<T>(settings: DatabaseSettings, work: (port: RedisPort) => Promise<T>): Promise<T> {
  const connections = databaseConnections(settings, "assent-reader");
  let port: RedisPort | undefined;
  try {
    port = await connections.connect().catch((cause: unknown) => {
      throw new DatabaseUnreadable(placeOf(settings), cause);
    });
    return await work(port);
  } catch (error) {
    throw unreadable(settings, error);
  } finally {
    port?.close();
    connections.close();
  }
}

/** Adds the server's address to a refusal or a missing reply; every other error is returned as it is. */
export function unreadable(settings: DatabaseSettings, error: unknown): unknown {
  const isOfServer = error instanceof RepliesLost || error instanceof RedisErrorReply;
  return isOfServer ? new DatabaseUnreadable(placeOf(settings), error) : error;
}

/** An address with several numbers fails once for each, and then says nothing itself. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(wordsOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
