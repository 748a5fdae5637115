/** Take part in transactions, and keep their log, in PostgreSQL. @module */
export { schemaSql } from "./migrate.ts";
