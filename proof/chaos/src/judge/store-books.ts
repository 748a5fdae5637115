// The books as the databases hold them, read directly from the servers. Read them when nothing changes any more: the
// tables of three servers are not one snapshot.
import { bookTables, readServerTables, type TableMaps } from "@assent/books/server-tables";
import { type Account, accountTable } from "assent/ledger";
import type { Row, Table } from "assent/internal/ports";
import type { BranchRecord, TransactionRecord } from "assent/internal/protocol";
import { branchTable, recordTable, rowTable, unfinishedTable, unfinishedTxId } from "assent/internal/engine";
import { redisConnect } from "@assent/redis";

/** `redis://` URLs of the databases, whichever server is their master now. */
export type StoreUrls = Readonly<Record<"order" | "stock" | "payment", string>>;

/** A service that takes part in checkouts. */
export type Participant = "stock" | "payment";
export const participants: readonly Participant[] = ["stock", "payment"];

/** Every table that is judged, by store. */
export type StoreTables = Readonly<Record<keyof typeof bookTables, TableMaps>>;

export interface ParticipantBooks {
  readonly accounts: ReadonlyMap<string, Account>;
  /** By `txId/branchId`. */
  readonly branches: ReadonlyMap<string, BranchRecord>;
}

export interface StoreBooks extends Readonly<Record<Participant, ParticipantBooks>> {
  readonly tables: StoreTables;
  /** Orders. */
  readonly rows: ReadonlyMap<string, Row>;
  /** By txId. */
  readonly transactions: ReadonlyMap<string, TransactionRecord>;
  /** The txIds in the index of those that have not ended. */
  readonly active: readonly string[];
}

/** What the keys of the processes begin with, unless ASSENT_NAMESPACE says otherwise. */
const defaultNamespace = "assent";

/** The judge is in no hurry: the processes of a whole topology may share few cores with it. */
const patientMs = 60_000;

/** @throws Error when a database cannot be read */
export async function booksOfStores(urls: StoreUrls, namespace: string = defaultNamespace): Promise<StoreBooks> {
  const [orders, stock, payment] = await Promise.all([
    reading(urls.order, `${namespace}-orders`, bookTables.orders),
    reading(urls.stock, `${namespace}-stock`, [...bookTables.stock, branchTable]),
    reading(urls.payment, `${namespace}-payment`, [...bookTables.payment, branchTable]),
  ]);
  return storeBooks({ orders, stock, payment });
}

export function storeBooks(tables: StoreTables): StoreBooks {
  const { orders, stock, payment } = tables;
  return {
    tables,
    rows: tableOf(orders, rowTable),
    transactions: tableOf(orders, recordTable),
    active: [...tableOf(orders, unfinishedTable).keys()].map(unfinishedTxId),
    stock: { accounts: tableOf(stock, accountTable), branches: tableOf(stock, branchTable) },
    payment: { accounts: tableOf(payment, accountTable), branches: tableOf(payment, branchTable) },
  };
}

function tableOf<T>(maps: TableMaps, { name }: Table<T>): ReadonlyMap<string, T> {
  // A table holds what was put there as its rows.
  return (maps.get(name) ?? new Map()) as ReadonlyMap<string, T>;
}

async function reading(url: string, prefix: string, tables: readonly Table[]): Promise<TableMaps> {
  const port = await redisConnect({ url, name: "judge", connectMs: patientMs, replyMs: patientMs })();
  try {
    return await readServerTables(port, { prefix, tables });
  } finally {
    port.close();
  }
}
