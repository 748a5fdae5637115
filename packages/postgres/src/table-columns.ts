// Between values and the columns of a table. A row travels as one JSON text; its columns of JSON are texts within it,
// so that the server takes them as they are.
import type { Json, JsonObject } from "assent/internal/protocol";
import { originalText, storedText } from "./stored-text.ts";

export interface TableOf {
  readonly name: string;
  /** The type of each column, without the one that all statements have in their condition. */
  readonly columns: Readonly<Record<string, "text" | "bigint" | "boolean" | "json">>;
}

/** One row, as a parameter of a statement. */
export type Columns = Readonly<Record<string, string | number | boolean | null>>;

/** Undefined is null in a column. */
export function toColumns({ columns }: TableOf, values: Readonly<Record<string, Json | undefined>>): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, type]) => {
      const value = values[name];
      if (value === undefined) return [name, null];
      if (type === "json") return [name, JSON.stringify(value)];
      return [name, typeof value === "string" ? storedText(value) : (value as number | boolean)];
    }),
  );
}

/** The values of a row that the server sent as JSON; a column that is null is left out. */
export function fromColumns({ columns }: TableOf, row: JsonObject): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, type]) => {
      const value = row[name];
      if (value === undefined || (value === null && type !== "json")) return [];
      if (type === "json") return typeof value === "string" ? [[name, JSON.parse(value) as Json] as const] : [];
      return [[name, typeof value === "string" ? originalText(value) : value] as const];
    }),
  );
}

/** What this version does not know, as one column: undefined when there is none. */
export function moreOf(more: object): Json | undefined {
  return Object.keys(more).length === 0 ? undefined : (more as JsonObject);
}

/** A list of the columns, each with the name of its source before it. */
export function listOf({ columns }: TableOf, source = ""): string {
  return Object.keys(columns)
    .map((name) => `${source}${name}`)
    .join(", ");
}

/** The rows of a parameter, which is a list of them, with JSON columns as texts. */
export function rowsOf(table: TableOf, parameter: string): string {
  return `json_to_recordset(${parameter}::text::json) AS given (${typedOf(table)})`;
}

/** The one row of a parameter. The server does not plan for many then. */
export function rowOf(table: TableOf, parameter: string): string {
  return `json_to_record(${parameter}::text::json) AS given (${typedOf(table)})`;
}

function typedOf({ columns }: TableOf): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${type === "json" ? "text" : type}`)
    .join(", ");
}

/** The columns of a given row, as they are stored. */
export function givenOf({ columns }: TableOf): string {
  return Object.entries(columns)
    .map(([name, type]) => (type === "json" ? `given.${name}::json` : `given.${name}`))
    .join(", ");
}

/** A row as JSON; its JSON columns are texts. */
export function jsonOfRow({ columns }: TableOf, source: string): string {
  const pairs = Object.entries(columns).map(([name, type]) =>
    type === "json" ? `'${name}', ${source}.${name}::text` : `'${name}', ${source}.${name}`,
  );
  return `json_build_object(${pairs.join(", ")})`;
}

/** Assignments from the row that could not be inserted. */
export function assignmentsOf({ columns }: TableOf, without: readonly string[] = []): string {
  return Object.keys(columns)
    .filter((name) => !without.includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ");
}
