// Reads the database of a running service from outside.
import type { Tables } from "assent/internal/ports";
import { readTables, RedisErrorReply, type RedisPort, RepliesLost } from "@assent/redis";
import { databaseConnections } from "./database.ts";
import { type DatabaseSettings, placeOf } from "./database-settings.ts";

/** The database did not answer. Nothing was changed. `code` is stable. */
export class DatabaseUnreadable extends Error {
  readonly code = "database_unreadable";

  constructor(place: string, cause: unknown) {
    const remedy = "Start it, or correct the settings; during a failover, try again.";
    super(`the database cannot be read: ${place}: ${wordsOf(cause)}. Nothing was changed. ${remedy}`, { cause });
    this.name = "DatabaseUnreadable";
  }
}

export interface DatabaseReading<T> {
  readonly settings: DatabaseSettings;
  readonly prefix: string;
  readonly read: (tables: Tables) => T;
}

/** @throws {DatabaseUnreadable}, and errors of `read` */
export function readDatabase<T>({ settings, prefix, read }: DatabaseReading<T>): Promise<T> {
  return onDatabase(settings, (port) => readTables({ port, prefix, read }));
}

/** Runs `work` over a separate connection. @throws {DatabaseUnreadable}, and errors of `work` */
export async function onDatabase<T>(settings: DatabaseSettings, work: (port: RedisPort) => Promise<T>): Promise<T> {
  const connections = databaseConnections(settings, { name: "assent-reader", isBrief: true });
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

/** A host with several addresses fails once for each, and the combined error has no message. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(wordsOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
