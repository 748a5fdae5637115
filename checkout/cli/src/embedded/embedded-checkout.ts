// The embedded topology: the whole checkout system in one process. Each service has its own SQLite file with its own
// thread; commands between them are encoded bytes, as they would be on a bus.
import { ledgerOperations } from "assent/ledger";
import { answerHealth, type ServiceApp } from "@assent/contract";
import { coordinatorPoints, faultyLog, type FaultRules } from "@assent/faults";
import { Orchestrator, type ProtocolPolicy } from "assent/internal/coordinator";
import { type Observer, type TransactionLog } from "assent/internal/ports";
import { checkout, orderApp, OrderService } from "@assent/order";
import { paymentApp, PaymentService } from "@assent/payment";
import { defaultLimits, type Limits, type Protocol } from "assent/internal/protocol";
import { priceOf, stockApp, StockService } from "@assent/stock";
import { keyedLog, logOperations } from "assent/internal/engine";
import { bytesOf, type Payload, StoreClient } from "@assent/sqlite";
import { nextTurn, releaseHeap, Rest, systemClock, systemRandom } from "assent/node";
import { MemoryTransport } from "assent/memory";
import { CannotStart, unusableFolder } from "../cannot-start.ts";
import { faultRules } from "../fault-settings.ts";
import { type DataFolder, lockDataFolder } from "./data-folder.ts";
import { backUp, type Copies } from "./backup.ts";
import { serveControl } from "./control-socket.ts";
import { embeddedFaults } from "./embedded-faults.ts";
import { storeFiles } from "./folder-reader.ts";
import { markStopped, markStores } from "./mark-stores.ts";
import { giveLastAnswers } from "../http/last-answers.ts";
import { type ListenOptions, ServiceServer } from "../http/service-server.ts";
import { commandChannel, type ParticipantThreadData, questionChannel, type StoreThreadData } from "./store-threads.ts";

export interface EmbeddedOptions extends ListenOptions {
  readonly dataFolder: string;
  /** Whether stores that do not belong together are accepted. */
  readonly acceptStores?: boolean;
  readonly protocol: Protocol | "auto" | ProtocolPolicy;
  readonly observer: Observer;
  /** Initial fault rules, as in FAULT_INJECT; undefined disables fault injection. */
  readonly faults?: string;
  /** How long background work may be held to share a message or a commit; default: a short time. */
  readonly companyWaitMs?: number;
  /** Called for events that should not happen: bugs, failed stores. */
  readonly report: (error: unknown, where: string) => void;
  /** Called when a store's thread ends after the start: nothing works without it, and the process should end. */
  readonly onFailed: (error: Error) => void;
}

export interface EmbeddedCheckout {
  readonly url: string;
  /** Stops accepting requests, finishes those in progress, closes the files. */
  close(): Promise<void>;
}

/**
 * Commands never outlive this process here, so nothing can arrive late after a restart: records are kept only for
 * minutes, not hours (P7).
 */
export const embeddedLimits: Limits = { ...defaultLimits, maxAgeMs: 600_000 };

/**
 * How long background work (phase 2 of a success, the end, `forget`) may wait to share a message and a commit with
 * other work. A shortage that the release of these holds would resolve is resolved later by at most this time (P10).
 */
const companyWaitUsualMs = 50;
/** How long a stop waits for transactions in progress; the next start takes over the rest. */
const stopWaitMs = 5_000;

interface Stores {
  readonly order: StoreClient;
  readonly stock: StoreClient;
  readonly payment: StoreClient;
}

/** @throws {DataFolderInUse}; {CannotStart} */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCheckout> {
  const folder = lockDataFolder(options.dataFolder);
  try {
    markStores(folder, options.acceptStores ?? false);
  } catch (error) {
    folder.release();
    throw error instanceof CannotStart ? error : unusableFolder(folder.path, error);
  }
  // A store that fails before everything runs only makes the start fail.
  const starting = { failed: Promise.withResolvers<never>(), over: false };
  const onFailed = (error: Error): void => {
    if (starting.over) options.onFailed(error);
    else starting.failed.reject(unusableFolder(folder.path, error));
  };
  // The stores ask the orchestrator, which is created from the stores.
  const asked: { orchestrator?: Orchestrator } = {};
  const stores = openStores(folder, { ...options, onFailed }, (message) =>
    asked.orchestrator === undefined ? Promise.resolve(undefined) : asked.orchestrator.handleQuestions(message),
  );
  const { log, rules } = openLog(stores, options.faults);
  const transport = makeTransport(stores, options);
  const orchestrator = makeOrchestrator(transport, log, options);
  asked.orchestrator = orchestrator;
  const { app, ping, stopSeeding } = makeApp(stores, orchestrator, options);
  if (rules !== undefined) for (const faults of embeddedFaults(stores, rules, options.report)) app.route("/", faults);
  let requests = 0;
  const server = new ServiceServer((request) => {
    requests += 1;
    return app.fetch(request);
  });
  // The threads of the stores detect this themselves.
  const rest = new Rest({ clock: systemClock, work: () => requests, onRest: releaseHeap });
  const start = async (): Promise<string> => {
    await ping();
    await orchestrator.start();
    return server.listen(options);
  };
  const copies: Copies = {
    "orders.db": (copy) => stores.order.copy(copy),
    "stock.db": (copy) => stores.stock.copy(copy),
    "payment.db": (copy) => stores.payment.copy(copy),
  };
  const closeAll = [stores.order, stores.stock, stores.payment].map((store) => () => store.close());
  try {
    const url = await Promise.race([starting.failed.promise, start()]);
    starting.over = true;
    rest.start();
    const control = await serveControl(folder.path, (target) => backUp(target, copies));
    return {
      url,
      async close() {
        rest.stop();
        server.stopListening();
        control?.close();
        transport.drain();
        stores.order.drain();
        await orchestrator.stop(stopWaitMs);
        await giveLastAnswers(server, stopSeeding);
        await Promise.all(closeAll.map((close) => close()));
        markStopped(storeFiles.map((file) => folder.file(file)));
        folder.release();
      },
    };
  } catch (error) {
    await orchestrator.stop(0);
    await Promise.allSettled(closeAll.map((close) => close()));
    folder.release();
    throw error;
  }
}

function openStores(
  folder: DataFolder,
  { onFailed, faults, companyWaitMs = companyWaitUsualMs }: EmbeddedOptions,
  answerQuestions: (message: Uint8Array) => Promise<Uint8Array | undefined>,
): Stores {
  const limits = embeddedLimits;
  const participant = (service: "stock" | "payment") => ({
    module: new URL("./participant-thread.ts", import.meta.url),
    workerData: {
      path: folder.file(`${service}.db`),
      limits,
      service,
      ...(faults !== undefined && { faults }),
    } satisfies ParticipantThreadData,
    channels: { [questionChannel]: (message: Payload) => answerQuestions(bytesOf(message)) },
    onFailed,
  });
  return {
    order: new StoreClient({
      module: new URL("./order-thread.ts", import.meta.url),
      workerData: { path: folder.file("orders.db"), limits } satisfies StoreThreadData,
      unwaitedFor: { operations: [logOperations.end], companyWaitMs },
      onFailed,
    }),
    stock: new StoreClient(participant("stock")),
    payment: new StoreClient(participant("payment")),
  };
}

/** The log as seen by the orchestrator, and the faults that can be injected into it. */
function openLog(stores: Stores, faults: string | undefined): { log: TransactionLog; rules: FaultRules | undefined } {
  const log = keyedLog(stores.order);
  if (faults === undefined) return { log, rules: undefined };
  const rules = faultRules(coordinatorPoints, faults);
  return { log: faultyLog(log, rules), rules };
}

function makeTransport(
  stores: Stores,
  { report, companyWaitMs = companyWaitUsualMs }: EmbeddedOptions,
): MemoryTransport {
  return new MemoryTransport({
    endpoints: {
      stock: (message) => stores.stock.send(commandChannel, message),
      payment: (message) => stores.payment.send(commandChannel, message),
    },
    clock: systemClock,
    schedule: nextTurn,
    companyWaitMs,
    onFailure: (service, error) => report(error, `commands to ${service}`),
  });
}

function makeOrchestrator(
  transport: MemoryTransport,
  log: TransactionLog,
  { protocol, observer }: EmbeddedOptions,
): Orchestrator {
  return new Orchestrator({
    service: "order",
    owner: `embedded:${systemRandom.name()}`,
    definitions: [checkout],
    log,
    transport,
    clock: systemClock,
    random: systemRandom,
    observer,
    limits: embeddedLimits,
    protocol,
  });
}

function makeApp(
  stores: Stores,
  orchestrator: Orchestrator,
  { report }: EmbeddedOptions,
): { readonly app: ServiceApp; readonly ping: () => Promise<void>; readonly stopSeeding: () => void } {
  const order = new OrderService({
    orchestrator,
    store: stores.order,
    log: keyedLog(stores.order),
    priceOf: async (itemId) => {
      const account = await stores.stock.run(ledgerOperations.findAccount, { accountId: itemId });
      return account === null ? undefined : priceOf(account);
    },
    random: systemRandom,
  });
  const stock = new StockService({ store: stores.stock, random: systemRandom });
  const payment = new PaymentService({ store: stores.payment, random: systemRandom });
  const app = orderApp(order, report);
  app.route("/", stockApp(stock, report));
  app.route("/", paymentApp(payment, report));
  const ping = async (): Promise<void> => {
    await Promise.all([order.ping(), stock.ping(), payment.ping()]);
  };
  app.get("/health", (context) => answerHealth(context, ping));
  const stopSeeding = (): void => {
    for (const service of [order, stock, payment]) service.stopSeeding();
  };
  return { app: app, ping, stopSeeding };
}
