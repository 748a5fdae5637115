// What this package needs of a driver. Statements answer rows of one text column, which holds JSON, so that the parsers
// of types that an application has given its driver have no part in it.
import { isJsonObject, type Json, type JsonObject } from "assent/internal/protocol";

/** Texts only: numbers and JSON are cast where they are used. */
export type SqlParameter = string | null;

/** A transaction on a connection that this caller has for itself. */
export interface SqlConnection<Db> {
  /** What handlers get: the driver's own object for this connection. */
  readonly handle: Db;
  /** The first column of each row. Statements are sent in the order in which they are asked for. */
  query(text: string, parameters: readonly SqlParameter[]): Promise<readonly unknown[]>;
  /** One or more statements without parameters. */
  command(text: string): Promise<void>;
  /** Resolves with what the server has done: COMMIT, or ROLLBACK where a statement had failed before. */
  commit(): Promise<"COMMIT" | "ROLLBACK">;
  rollback(): Promise<void>;
  /** Gives the connection back, or closes it where its state is not known. */
  release(isUsable: boolean): void;
}

/** How a transaction is begun. */
export interface Beginning {
  /** Such as "read committed". */
  readonly isolation: string;
  /** Statements that come first. */
  readonly settings: string;
}

export interface SqlDriver<Db> {
  /** Begins a transaction. Rejects when no connection can be had. */
  begin(beginning: Beginning): Promise<SqlConnection<Db>>;
  /** One statement that only reads, on any connection. */
  read(text: string, parameters: readonly SqlParameter[]): Promise<readonly unknown[]>;
}

/** The code of an error that the server has reported; undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Others were in the way, and nothing was changed: the same transaction may succeed when it is run again. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** A prepared statement that the driver counts on is gone from its session, as after DISCARD ALL, or is still there. */
export function isStaleSession(error: unknown): boolean {
  const state = sqlState(error);
  return state === "26000" || state === "42P05";
}

/** A wait for a lock took too long; nothing was changed. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === "55P03";
}

/** Whether the server has refused a commit, or anything before one, for sure. An error of class 40 or 23 says so. */
export function isRefusal(error: unknown): boolean {
  return /^(40|23)/.test(sqlState(error) ?? "") && sqlState(error) !== "40003";
}

/** One column of a statement of ours. */
export function jsonOf(column: unknown): JsonObject {
  const value: unknown = typeof column === "string" ? (JSON.parse(column) as Json) : column;
  if (!isJsonObject(value)) throw new TypeError(`the server answered ${String(column)}, not a JSON object`);
  return value;
}
