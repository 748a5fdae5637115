// Logs that get the owner of a key wrong, or what is known about it.
import type { KeyedAdapter } from "@assent/conformance";
import type { Row, Tables } from "assent/internal/ports";
import { meets, recordTable, rowTable, type StoredRecord } from "assent/internal/engine";
import { type Break, brokenStore, showing } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

const rowOf = (tables: Tables, key: string): Row | undefined => tables.get(rowTable, key);

function putRow(tables: Tables, row: Row): void {
  tables.put(rowTable, row.key, row);
}

const withoutDefinition = ({ definition: _definition, ...row }: Row): Row => row;

/** Neither a row nor a record shows a definition. */
const blind = (tables: Tables): Tables =>
  showing(
    showing(tables, rowTable, withoutDefinition),
    recordTable,
    ({ definition: _definition, ...record }) => record as StoredRecord,
  );

/** Takes the definition from the row of a key once the step is done. */
function forgetDefinition(tables: Tables, key: string): void {
  const row = rowOf(tables, key);
  if (row !== undefined) putRow(tables, withoutDefinition(row));
}

/** Changes a key as an engine does that only knows UTF-8. */
const inUtf8 = (tables: Tables): Tables => ({
  get: (table, key) => tables.get(table, key.toWellFormed()),
  put: (table, key, value) => tables.put(table, key.toWellFormed(), value),
  delete: (table, key) => tables.delete(table, key.toWellFormed()),
  scan: (table, range) => tables.scan(table, range),
});

export const brokenKeys: readonly Broken<KeyedAdapter>[] = [
  broken(
    "takes half of a surrogate pair for a replacement character",
    ({ begin, peek, readRow }) => ({
      begin: (tables, request, context) => begin(inUtf8(tables), request, context),
      peek: (tables, request, context) => peek(inUtf8(tables), request, context),
      readRow: (tables, request, context) => readRow(inUtf8(tables), request, context),
    }),
    ["names that are not well-formed are refused"],
  ),
  broken(
    "runs any definition under any key",
    ({ begin }) => ({ begin: (tables, request, context) => begin(blind(tables), request, context) }),
    ["S4 a key belongs to the definition that began it", "S4 of concurrent begins of two definitions"],
  ),
  broken(
    "does not keep whose the key is",
    ({ begin }) => ({
      begin(tables, request, context) {
        const result = begin(tables, request, context);
        if (result.kind === "begun") forgetDefinition(tables, request.key);
        return result;
      },
    }),
    ["C4 begin claims the row", "S4 peek shows the outcome of a key"],
  ),
  broken(
    "weighs conditions before it says whose the key is",
    ({ begin }) => ({
      begin(tables, request, context) {
        const row = rowOf(tables, request.key);
        return row === undefined || meets(row.fields, request.change?.expect)
          ? begin(tables, request, context)
          : { kind: "unmet", row };
      },
    }),
    ["S4 a key belongs to the definition that began it"],
  ),
  broken(
    "compares the content before it says whose the key is",
    ({ begin }) => ({
      begin(tables, request, context) {
        const row = rowOf(tables, request.key);
        const isOther = request.create !== undefined && row?.incarnation !== request.create.incarnation;
        return row !== undefined && isOther ? { kind: "unmet", row } : begin(tables, request, context);
      },
    }),
    ["S4 a key belongs to the definition that began it"],
  ),
  broken(
    "gives a key away that nothing was begun with",
    ({ begin }) => ({
      begin(tables, request, context) {
        const result = begin(tables, request, context);
        const row = rowOf(tables, request.key);
        if (result.kind === "unmet" && row !== undefined) {
          putRow(tables, { ...row, definition: row.definition ?? request.definition });
        }
        return result;
      },
    }),
    ["S4 a row that was put has no definition"],
  ),
  broken(
    "keeps whose the key was in its next life",
    ({ putRow: put }) => ({
      putRow(tables, request, context) {
        const definition = rowOf(tables, request.key)?.definition;
        const result = put(tables, request, context);
        const row = rowOf(tables, request.key);
        if (row !== undefined && definition !== undefined) putRow(tables, { ...row, definition });
        return result;
      },
    }),
    ["S4 a row that was put has no definition"],
  ),
  broken(
    "brings a lost attempt back under the key of another definition",
    ({ rebuild }) => ({ rebuild: (tables, request, context) => rebuild(blind(tables), request, context) }),
    ["R5, S4 a lost attempt is not rebuilt"],
  ),
  broken(
    "does not keep whose the key of a rebuilt record is",
    ({ rebuild }) => ({
      rebuild(tables, request, context) {
        const record = rebuild(tables, request, context);
        if (record === null) return record;
        // As a version left it that recorded no definition, and whose record has been removed since.
        forgetDefinition(tables, record.key);
        tables.put(recordTable, record.txId, { ...record, definition: "refund" });
        return record;
      },
    }),
    ["R5, S4 a rebuilt record claims a key"],
  ),
  broken(
    "shows an outcome without its reason",
    ({ peek }) => ({
      peek(tables, request, context) {
        const row = peek(tables, request, context);
        if (row === null) return row;
        const { reason: _reason, ...rest } = row;
        return rest;
      },
    }),
    ["S4 peek shows the outcome of a key"],
  ),
  broken(
    "makes the row that is peeked at",
    ({ peek }) => ({
      peek(tables, request, context) {
        const row = peek(tables, request, context);
        if (row === null) putRow(tables, { ...request, incarnation: "life1", attempt: 0, outcome: "none", fields: {} });
        return row ?? rowOf(tables, request.key) ?? null;
      },
    }),
    ["S4 peek shows the outcome of a key"],
  ),
];
