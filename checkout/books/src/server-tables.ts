// Reads whole tables in the layout of `redis` on a server: hashes of `VERSION JSON`, and sorted sets of keys. Reads
// directly from the servers, independently of the services.
import { itemsOf, RedisErrorReply, type RedisPort, type RedisReply } from "@assent/redis";
import { accountsReplacedTable, accountTable } from "assent/ledger";
import { recordTable, rowsReplacedTable, rowTable, unfinishedTable } from "assent/internal/engine";
import type { Table } from "assent/internal/ports";
import { purchasesReplacedTable } from "@assent/order";
import type { BookStores } from "./book-store.ts";
import { markTable } from "./store-marks.ts";

/** By the name of a table. */
export type TableMaps = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** The tables that the audit reads in each store. The index is read first, so that each entry still has its record. */
export const bookTables: Readonly<Record<keyof BookStores, readonly Table[]>> = {
  orders: [unfinishedTable, rowTable, recordTable, rowsReplacedTable, purchasesReplacedTable, markTable],
  stock: [accountTable, accountsReplacedTable, markTable],
  payment: [accountTable, accountsReplacedTable, markTable],
};

const scanCount = "1000";

/** Reads a server on which nothing changes meanwhile. @throws {RedisErrorReply} {RepliesLost} */
export async function readServerTables(
  port: RedisPort,
  { prefix, tables }: { readonly prefix: string; readonly tables: readonly Table[] },
): Promise<TableMaps> {
  const maps = new Map<string, ReadonlyMap<string, unknown>>();
  for (const { name, kind } of tables) {
    const key = `{${prefix}}:${name}`;
    maps.set(name, kind === "index" ? await readIndex(port, key) : await readRecords(port, key));
  }
  return maps;
}

async function readRecords(port: RedisPort, key: string): Promise<ReadonlyMap<string, unknown>> {
  const records = new Map<string, unknown>();
  for (let cursor = "0"; ;) {
    const [next, fields] = await send(port, ["HSCAN", key, cursor, "COUNT", scanCount]);
    const texts = itemsOf(fields).map(String);
    for (let index = 0; index < texts.length; index += 2) {
      const text = texts[index + 1] ?? "";
      records.set(texts[index] ?? "", JSON.parse(text.slice(text.indexOf(" ") + 1)));
    }
    cursor = String(next);
    if (cursor === "0") return records;
  }
}

async function readIndex(port: RedisPort, key: string): Promise<ReadonlyMap<string, unknown>> {
  const keys = await send(port, ["ZRANGE", key, "0", "-1"]);
  return new Map(keys.map((name) => [String(name), null]));
}

async function send(port: RedisPort, command: readonly string[]): Promise<readonly RedisReply[]> {
  const [reply] = await port.send([command]);
  if (reply instanceof RedisErrorReply) throw reply;
  return itemsOf(reply);
}
