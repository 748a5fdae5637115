// The embedded topology: the whole checkout system in one process. Each service has a SQLite file of its own behind a
// thread of its own; commands between them are encoded bytes, as they would be on a bus.
import { answerHealth } from "@assent/contract";
import { type Observer, Orchestrator, type ProtocolPolicy } from "@assent/orchestrator";
import { checkout, orderApp, OrderService, type OrderOperations } from "@assent/order";
import { paymentApp, PaymentService, type PaymentOperations } from "@assent/payment";
import { defaultLimits, type Limits, type Protocol } from "@assent/protocol";
import { priceOf, stockApp, StockService, type StockOperations } from "@assent/stock";
import { keyedLog } from "@assent/store-keyed";
import { StoreClient } from "@assent/store-sqlite";
import { nextTurn, systemClock, systemRandom } from "@assent/system";
import { MemoryTransport } from "@assent/transport-memory";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type DataFolder, lockDataFolder } from "./data-folder.ts";
import { commandChannel, type ParticipantThreadData, questionChannel, type StoreThreadData } from "./store-threads.ts";

export interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly protocol: Protocol | "auto" | ProtocolPolicy;
  readonly observer: Observer;
  /** Told of what should not happen: bugs, failed stores. */
  readonly report: (error: unknown, where: string) => void;
  /** Told when a store's thread has ended: nothing works without it, and the process should end. */
  readonly onFailed: (error: Error) => void;
}

export interface EmbeddedCheckout {
  readonly url: string;
  /** Stops taking requests, finishes what is in flight, closes the files. */
  close(): Promise<void>;
}

/**
 * Commands never outlive this process here, so nothing can arrive late after a restart: records need to be kept for
 * minutes only, not hours (P7).
 */
export const embeddedLimits: Limits = { ...defaultLimits, maxAgeMs: 600_000 };

/** How long a stop waits for transactions in flight; the next start takes over the rest. */
const stopWaitMs = 5_000;
const keepAliveMs = 65_000;

interface Stores {
  readonly order: StoreClient<OrderOperations>;
  readonly stock: StoreClient<StockOperations>;
  readonly payment: StoreClient<PaymentOperations>;
}

/** @throws {DataFolderInUse}; the listen error when the port is taken */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCheckout> {
  const folder = lockDataFolder(options.dataFolder);
  // The stores ask the orchestrator, which is made of the stores.
  const asked: { orchestrator?: Orchestrator } = {};
  const stores = openStores(folder, options, (message) =>
    asked.orchestrator === undefined ? Promise.resolve(undefined) : asked.orchestrator.handleQuestions(message),
  );
  const orchestrator = makeOrchestrator(stores, options);
  asked.orchestrator = orchestrator;
  const server = createAdaptorServer({ fetch: makeApp(stores, orchestrator, options).fetch }) as Server;
  server.keepAliveTimeout = keepAliveMs;
  const closeStores = async (): Promise<void> => {
    await Promise.all([stores.order.close(), stores.stock.close(), stores.payment.close()]);
    folder.release();
  };
  try {
    await orchestrator.start();
    await listen(server, options);
  } catch (error) {
    await orchestrator.stop(0);
    await closeStores();
    throw error;
  }
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      await orchestrator.stop(stopWaitMs);
      server.closeAllConnections();
      await closed;
      await closeStores();
    },
  };
}

function openStores(
  folder: DataFolder,
  { onFailed }: EmbeddedOptions,
  answerQuestions: (message: Uint8Array) => Promise<Uint8Array | undefined>,
): Stores {
  const limits = embeddedLimits;
  const participant = (service: "stock" | "payment") => ({
    module: new URL("./participant-thread.ts", import.meta.url),
    workerData: { path: folder.file(`${service}.db`), limits, service } satisfies ParticipantThreadData,
    channels: { [questionChannel]: (message: unknown) => answerQuestions(message as Uint8Array) },
    onFailed,
  });
  return {
    order: new StoreClient({
      module: new URL("./order-thread.ts", import.meta.url),
      workerData: { path: folder.file("orders.db"), limits } satisfies StoreThreadData,
      onFailed,
    }),
    stock: new StoreClient(participant("stock")),
    payment: new StoreClient(participant("payment")),
  };
}

function makeOrchestrator(stores: Stores, { protocol, observer, report }: EmbeddedOptions): Orchestrator {
  return new Orchestrator({
    service: "order",
    owner: `embedded:${systemRandom.name()}`,
    definitions: [checkout],
    log: keyedLog(stores.order),
    transport: new MemoryTransport({
      endpoints: {
        stock: (message) => stores.stock.send(commandChannel, message),
        payment: (message) => stores.payment.send(commandChannel, message),
      },
      clock: systemClock,
      schedule: nextTurn,
      onFailure: (service, error) => report(error, `commands to ${service}`),
    }),
    clock: systemClock,
    random: systemRandom,
    observer,
    limits: embeddedLimits,
    protocol,
  });
}

function makeApp(stores: Stores, orchestrator: Orchestrator, { report }: EmbeddedOptions): Hono {
  const order = new OrderService({
    orchestrator,
    store: stores.order,
    log: keyedLog(stores.order),
    priceOf: async (itemId) => {
      const account = await stores.stock.run("findAccount", { accountId: itemId });
      return account === null ? undefined : priceOf(account);
    },
    random: systemRandom,
  });
  const stock = new StockService({ store: stores.stock, random: systemRandom });
  const payment = new PaymentService({ store: stores.payment, random: systemRandom });
  const app = orderApp(order, report);
  app.route("/", stockApp(stock, report));
  app.route("/", paymentApp(payment, report));
  app.get("/health", (context) =>
    answerHealth(context, async () => {
      await Promise.all([order.ping(), stock.ping(), payment.ping()]);
    }),
  );
  return app as unknown as Hono;
}

function listen(server: Server, { host, port }: EmbeddedOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
