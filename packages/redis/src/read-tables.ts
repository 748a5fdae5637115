// Reads current records without disturbing the server: one HGET after another, no script, no write, whatever the
// server's durability. Records read one after another may be from different points in time.
import type { Table, Tables } from "assent/internal/ports";
import { notYetRead } from "./batch-reads.ts";
import { absent, knownRecordOf, ReadSet } from "./read-set.ts";
import { RedisErrorReply, type RedisPort } from "./redis-port.ts";
import { TableLayout } from "./table-layout.ts";

export interface ReadTablesOptions<T> {
  readonly port: RedisPort;
  /** Prefix of the store, as in its options. */
  readonly prefix: string;
  /** Gets single records. Called again after each further read; an error that it throws ends the reading. */
  readonly read: (tables: Tables) => T;
}

/** @throws {RepliesLost} {RedisErrorReply}, and errors of `read` */
export async function readTables<T>({ port, prefix, read }: ReadTablesOptions<T>): Promise<T> {
  const layout = new TableLayout(prefix);
  const readSet = new ReadSet();
  let wanted = { table: "", key: "" };
  const readOnly = (): never => {
    throw new TypeError("only single records are read here");
  };
  const tables: Tables = {
    get<Row>({ name }: Table<Row>, key: string) {
      const read = readSet.get(name, key);
      // A table holds what was put there as its rows.
      if (read !== undefined) return read.value as Row | undefined;
      wanted = { table: name, key };
      throw notYetRead;
    },
    put: readOnly,
    delete: readOnly,
    scan: readOnly,
  };
  for (;;) {
    try {
      return read(tables);
    } catch (error) {
      if (error !== notYetRead) throw error;
    }
    const { table, key } = wanted;
    const [reply] = await port.send([["HGET", layout.table(table), key]]);
    if (reply instanceof RedisErrorReply) throw reply;
    readSet.set(table, key, typeof reply === "string" ? knownRecordOf(reply) : absent);
  }
}
