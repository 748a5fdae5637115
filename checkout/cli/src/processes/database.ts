// Opens the database of a service according to the settings. Refuses one with less durability than required.
import type { BoundOperations, Durability } from "assent/internal/engine";
import {
  failoverMaxMs,
  redisConnect,
  RedisExecutor,
  type SentinelConnections,
  sentinelConnections,
  type ServerAddress,
  ServerUnreachable,
} from "@assent/redis";
import { systemClock } from "assent/node";
import { CannotStart } from "../cannot-start.ts";
import { type DatabaseSettings, placeOf, redisUrl, sentinelUrls, serverUrl } from "./database-settings.ts";

export interface DatabaseOptions {
  readonly settings: DatabaseSettings;
  /** Name of this process in `CLIENT LIST`. */
  readonly name: string;
  readonly prefix: string;
  readonly operations: BoundOperations;
}

export interface Database {
  readonly store: RedisExecutor;
  /** A server that does not flush every write can lose its newest ones, as can a failover without D2 (ADR 0008). */
  readonly mayLoseTail: boolean;
  close(): Promise<void>;
}

/** How long the sentinels may take to name a master when this process starts. */
const startMaxMs = 30_000;

/** @throws {CannotStart} {UnsuitableServer} */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { settings, name, prefix, operations } = options;
  const { SENTINEL_HOSTS, REDIS_SENTINEL_SERVICE, ASSENT_DURABILITY } = settings;
  const { ASSENT_REPLICAS, ASSENT_REPLICAS_LEAST } = settings;
  const isWatched = SENTINEL_HOSTS !== undefined;
  const connections = databaseConnections(settings, {
    name,
    onMaster: ({ host, port }) => console.log(`${name}: the master of ${REDIS_SENTINEL_SERVICE} is ${host}:${port}`),
  });
  const isReplicated = ASSENT_DURABILITY === "D2";
  const open = (): Promise<RedisExecutor> =>
    RedisExecutor.open({
      connect: connections.connect,
      prefix,
      operations,
      ...(isReplicated && { replicas: ASSENT_REPLICAS }),
      ...(isReplicated && isWatched && { replicasLeast: Math.min(ASSENT_REPLICAS, ASSENT_REPLICAS_LEAST) }),
      ...(isWatched && { unreachableMaxMs: failoverMaxMs }),
    });
  const store = await (isWatched ? patiently(open) : open()).catch((error: unknown) => {
    connections.close();
    throw error instanceof ServerUnreachable ? unreachable(settings, error) : error;
  });
  const close = async (): Promise<void> => {
    await store.close();
    connections.close();
  };
  if (store.durability < (ASSENT_DURABILITY ?? "D0")) {
    await close();
    throw tooLittle(store.durability, ASSENT_DURABILITY);
  }
  const mayLoseTail = store.durability === "D0" || (isWatched && store.durability !== "D2");
  return { store, mayLoseTail, close };
}

export interface ConnectionsOptions {
  /** For `CLIENT LIST`. */
  readonly name: string;
  /** For a single task, which no transaction waits for. */
  readonly isBrief?: boolean;
  readonly onMaster?: (address: ServerAddress) => void;
}

/** Connects to the one server, or to the master named by the sentinels. */
export function databaseConnections(settings: DatabaseSettings, options: ConnectionsOptions): SentinelConnections {
  if (settings.SENTINEL_HOSTS === undefined) {
    return { connect: redisConnect({ url: redisUrl(settings), name: options.name }), close: () => undefined };
  }
  return sentinelConnections({
    sentinels: sentinelUrls(settings),
    masterName: settings.REDIS_SENTINEL_SERVICE ?? "",
    urlOf: (address) => serverUrl(settings, address),
    ...options,
  });
}

/** Sentinels and databases that start together with this process may need longer than a failover takes. */
async function patiently<T>(open: () => Promise<T>): Promise<T> {
  const until = systemClock.monotonic() + startMaxMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ServerUnreachable) || systemClock.monotonic() >= until) throw error;
    }
  }
}

function unreachable(settings: DatabaseSettings, cause: ServerUnreachable): CannotStart {
  const remedy = "Start it, or correct REDIS_URL, REDIS_HOST and REDIS_PORT, or SENTINEL_HOSTS.";
  return new CannotStart(
    "database_unreachable",
    `The database cannot be reached: ${placeOf(settings)}: ${cause.message}. Nothing was started. ${remedy}`,
    { cause },
  );
}

function tooLittle(has: Durability, wanted: string | undefined): CannotStart {
  const remedy = "Set appendonly yes and appendfsync always on the server, or lower ASSENT_DURABILITY.";
  return new CannotStart(
    "too_little_durability",
    `The database provides durability ${has}, but ASSENT_DURABILITY requires ${wanted}. ${remedy}`,
  );
}
