// The contents of the databases, read directly from the servers. Read them when nothing changes any more: the tables of
// three servers are not one snapshot.
import { bookTables, readServerTables, type TableMaps } from "@assent/books/server-tables";
import { type Account, accountTable } from "assent/ledger";
import type { Row, Table } from "assent/internal/ports";
import type { BranchRecord, TransactionRecord } from "assent/internal/protocol";
import { branchTable, recordTable, rowTable, unfinishedTable, unfinishedTxId } from "assent/internal/engine";
import { redisConnect } from "@assent/redis";

/** `redis://` URLs of the databases, whichever server is their master now. */
export type StoreUrls = Readonly<Record<"order" | "stock" | "payment", string>>;

/** A service that participates in checkouts. */
export type Participant = "stock" | "payment";
export const participants: readonly Participant[] = ["stock", "payment"];

/** Every table that is checked, by store. */
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
  /** The txIds in the index of unfinished transactions. */
  readonly active: readonly string[];
}

/** Prefix of the keys of the processes, unless ASSENT_NAMESPACE is set. */
const defaultNamespace = "assent";

/** Long limits: the processes of a whole topology may share a few cores with the checker. */
const patientMs = 60_000;

/** @throws Error if a database cannot be read */
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
  // The rows of a table were written with this type.
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
