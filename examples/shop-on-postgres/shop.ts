// The three processes of the shop on this machine, over a database that is given or a PostgreSQL of its own.
import { freePorts, postgresUser, ServerProcess, startPostgres } from "@assent/local-servers";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrate } from "./migrate.ts";

const names = ["orders", "stock", "payment"] as const;
type Name = (typeof names)[number];

export class Shop {
  readonly databaseUrl: string;
  readonly urls: Readonly<Record<Name, string>>;
  readonly processes: Readonly<Record<Name, ServerProcess>>;
  readonly #stop: () => Promise<void>;

  private constructor(shop: Pick<Shop, "databaseUrl" | "urls" | "processes">, stop: () => Promise<void>) {
    this.databaseUrl = shop.databaseUrl;
    this.urls = shop.urls;
    this.processes = shop.processes;
    this.#stop = stop;
  }

  /** Left out, the database is a new one, which is removed in the end. */
  static async start(database?: string): Promise<Shop> {
    await using stack = new AsyncDisposableStack();
    const databaseUrl = database ?? (await ownDatabase(stack));
    await migrate(databaseUrl);
    const folder = temporaryFolder(stack);
    const ports = await freePorts(names.length);
    const urls = byName((name) => `http://127.0.0.1:${ports[names.indexOf(name)]}`);
    const environment = {
      DATABASE_URL: databaseUrl,
      SHOP_SECRET: randomBytes(16).toString("hex"),
      ...Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_URL`, urls[name]])),
    };
    const start = async (name: Name): Promise<ServerProcess> => {
      const server = await ServerProcess.start({
        name,
        binary: process.execPath,
        args: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
        folder,
        port: Number(new URL(urls[name]).port),
        environment,
        answers: () => isListening(urls[name]),
      });
      stack.defer(() => server.stop());
      return server;
    };
    const [orders, stock, payment] = [await start("orders"), await start("stock"), await start("payment")];
    const started = stack.move();
    return new Shop({ databaseUrl, urls, processes: { orders, stock, payment } }, () => started.disposeAsync());
  }

  /** Stops the processes, and then the PostgreSQL that was started for them. */
  stop(): Promise<void> {
    return this.#stop();
  }
}

function byName<Value>(valueOf: (name: Name) => Value): Readonly<Record<Name, Value>> {
  return { orders: valueOf("orders"), stock: valueOf("stock"), payment: valueOf("payment") };
}

async function ownDatabase(stack: AsyncDisposableStack): Promise<string> {
  const server = await startPostgres({ folder: temporaryFolder(stack) });
  stack.defer(() => server.stop());
  return `postgres://${postgresUser}@127.0.0.1:${server.port}/postgres`;
}

function temporaryFolder(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-shop-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function isListening(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
}
