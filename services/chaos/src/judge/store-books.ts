// The books as the databases hold them, read past the services: nothing that a service believes or leaves out is in the
// way. Read when nothing changes any more: the tables of three servers are not one snapshot.
import type { Account } from "@assent/ledger";
import type { Row } from "@assent/orchestrator";
import type { BranchRecord, TransactionRecord } from "@assent/protocol";
import { unfinishedTable, unfinishedTxId } from "@assent/store-keyed";
import { redisConnect, RedisErrorReply, type RedisPort, type RedisReply } from "@assent/store-redis";

/** `redis://` URLs of the databases, whoever is their master now. */
export type StoreUrls = Readonly<Record<"order" | "stock" | "payment", string>>;

/** A service that takes part in checkouts. */
export type Participant = "stock" | "payment";
export const participants: readonly Participant[] = ["stock", "payment"];

export interface ParticipantBooks {
  readonly accounts: ReadonlyMap<string, Account>;
  /** By `txId/branchId`. */
  readonly branches: ReadonlyMap<string, BranchRecord>;
}

export interface StoreBooks extends Readonly<Record<Participant, ParticipantBooks>> {
  /** Orders. */
  readonly rows: ReadonlyMap<string, Row>;
  /** By txId. */
  readonly transactions: ReadonlyMap<string, TransactionRecord>;
  /** The txIds in the index of those that have not ended. */
  readonly active: readonly string[];
}

/** What the keys of the processes begin with, unless ASSENT_NAMESPACE says otherwise. */
const defaultNamespace = "assent";
const scanCount = "1000";

/** @throws Error when a database cannot be read */
export async function booksOfStores(urls: StoreUrls, namespace: string = defaultNamespace): Promise<StoreBooks> {
  const [order, stock, payment] = await Promise.all([
    reading(urls.order, `{${namespace}-orders}`, async (store) => ({
      // Before the records: whatever was in no index then, its record has ended when it is read.
      active: (await store.index(unfinishedTable)).map(unfinishedTxId),
      rows: (await store.records("rows")) as ReadonlyMap<string, Row>,
      transactions: (await store.records("transactions")) as ReadonlyMap<string, TransactionRecord>,
    })),
    reading(urls.stock, `{${namespace}-stock}`, participantBooks),
    reading(urls.payment, `{${namespace}-payment}`, participantBooks),
  ]);
  return { ...order, stock, payment };
}

async function participantBooks(store: Tables): Promise<ParticipantBooks> {
  const accounts = (await store.records("accounts")) as ReadonlyMap<string, Account>;
  return { accounts, branches: (await store.records("branches")) as ReadonlyMap<string, BranchRecord> };
}

async function reading<T>(url: string, prefix: string, read: (tables: Tables) => Promise<T>): Promise<T> {
  const port = await redisConnect({ url, name: "judge" })();
  try {
    return await read(new Tables(port, prefix));
  } finally {
    port.close();
  }
}

/** Tables as `store-redis` lays them out: hashes of `STAMP JSON`, and sorted sets of keys. */
class Tables {
  readonly #port: RedisPort;
  readonly #prefix: string;

  constructor(port: RedisPort, prefix: string) {
    this.#port = port;
    this.#prefix = prefix;
  }

  async records(table: string): Promise<ReadonlyMap<string, unknown>> {
    const records = new Map<string, unknown>();
    for (let cursor = "0"; ;) {
      const [next, fields] = await this.#send(["HSCAN", `${this.#prefix}:${table}`, cursor, "COUNT", scanCount]);
      const texts = fields as readonly string[];
      for (let index = 0; index < texts.length; index += 2) {
        const text = texts[index + 1] ?? "";
        records.set(texts[index] ?? "", JSON.parse(text.slice(text.indexOf(" ") + 1)));
      }
      cursor = String(next);
      if (cursor === "0") return records;
    }
  }

  async index(table: string): Promise<readonly string[]> {
    return (await this.#send(["ZRANGE", `${this.#prefix}:${table}`, "0", "-1"])) as readonly string[];
  }

  async #send(command: readonly string[]): Promise<readonly RedisReply[]> {
    const [reply] = await this.#port.send([command]);
    if (reply instanceof RedisErrorReply) throw reply;
    return reply as readonly RedisReply[];
  }
}
