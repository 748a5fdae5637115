// A PostgreSQL with the databases of a peer, the proxies before two of them, and the books that are in them.
import { startPostgres, type ServerProcess } from "@assent/local-servers";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { databaseUrl } from "./peer.ts";
import { SqlProxy } from "./sql-proxy.ts";

export interface Books {
  readonly free: number;
  readonly sold: number;
  readonly credit: number;
  readonly spent: number;
}

export const opening: Books = { free: 5, sold: 0, credit: 100, spent: 0 };

export class World {
  readonly flights: SqlProxy;
  readonly wallet: SqlProxy;
  readonly #server: ServerProcess;

  private constructor(server: ServerProcess, flights: SqlProxy, wallet: SqlProxy) {
    this.#server = server;
    this.flights = flights;
    this.wallet = wallet;
  }

  static async open(folder: string): Promise<World> {
    const server = await startPostgres({ folder });
    return new World(server, await SqlProxy.start(server.port), await SqlProxy.start(server.port));
  }

  get serverPort(): number {
    return this.#server.port;
  }

  /** Databases as the programs find them: with their tables, without rows. */
  async create(schemas: readonly string[]): Promise<void> {
    for (const database of ["flights", "wallet", "trips"]) {
      await this.sql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await this.sql("postgres", `CREATE DATABASE ${database}`);
    }
    for (const schema of schemas) {
      const [seats = "", money = ""] = readFileSync(schema, "utf8").split(/^(?=-- (?:The|Beside the) wallets)/m);
      await this.sql("flights", seats);
      await this.sql("wallet", money);
    }
  }

  async sql<Row extends object>(database: string, text: string): Promise<readonly Row[]> {
    const client = new Client({ connectionString: databaseUrl(this.serverPort, database) });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** A flight and a wallet of this name. */
  async fill(name: string, { free, credit }: Pick<Books, "free" | "credit"> = opening): Promise<void> {
    await this.sql("flights", `INSERT INTO flights VALUES ('${name}', ${free}, 0)`);
    await this.sql("wallet", `INSERT INTO wallets VALUES ('${name}', ${credit}, 0)`);
  }

  async books(name: string): Promise<Books> {
    const [seats] = await this.sql<Books>("flights", `SELECT free, sold FROM flights WHERE name = '${name}'`);
    const [money] = await this.sql<Books>("wallet", `SELECT credit, spent FROM wallets WHERE owner = '${name}'`);
    if (seats === undefined || money === undefined) throw new Error(`no books of ${name}`);
    return { ...seats, ...money };
  }

  async close(): Promise<void> {
    this.flights.stop();
    this.wallet.stop();
    await this.#server.stop();
  }
}

export const sharedSchema = join(import.meta.dirname, "../programs/schema.sql");
