/** Take part in transactions, and keep their log, in PostgreSQL. @module */
export type { IsolationLevel } from "./database.ts";
export { schemaSql } from "./migrate.ts";
export type { PgClient, PgPool } from "./pg-driver.ts";
export type { PostgresJs } from "./postgres-js-driver.ts";
export type { OnDecide } from "./postgres-log.ts";
export { postgres, type PostgresOptions, type PostgresStore } from "./postgres.ts";
export { UnsuitableServer } from "./server-probe.ts";
