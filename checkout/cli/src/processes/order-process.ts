// `assent order`: one instance of the order service, with the coordinator.
import { Problem } from "@assent/contract";
import { coordinatorPoints, faultyLog } from "@assent/faults";
import { LeasedLeadership, LeasedOwnership, Orchestrator } from "assent/internal/coordinator";
import { checkout, orderApp, OrderService, orderOperations } from "@assent/order";
import { CompanyExecutor, keyedLease, keyedLog, logOperations } from "assent/internal/engine";
import { systemClock, systemRandom } from "assent/node";
import type { NatsBus } from "@assent/nats";
import { observationLog } from "../observation-log.ts";
import { decodePrice, priceTopic } from "./price-messages.ts";
import { limitsOf, type ProcessSettings } from "./process-settings.ts";
import { runService, type ServiceParts, type Surroundings } from "./service-process.ts";

/** How long a stop waits for transactions in progress; other instances take over the rest. */
const stopWaitMs = 5_000;
const priceWaitMs = 2_000;

export function runOrder(settings: ProcessSettings): Promise<void> {
  return runService({
    path: "orders",
    settings,
    operations: orderOperations(limitsOf(settings)),
    faultPoints: coordinatorPoints,
    make: (surroundings) => makeOrder(surroundings, settings),
  });
}

function makeOrder(
  { owner, store: database, mayLoseTail, bus, rules, report }: Surroundings,
  settings: ProcessSettings,
): ServiceParts {
  const limits = limitsOf(settings);
  const companyWaitMs = settings.ASSENT_COMPANY_WAIT_MS;
  const store = new CompanyExecutor(database, { unwaitedFor: [logOperations.end], companyWaitMs, clock: systemClock });
  const observer = observationLog(owner);
  const log = rules === undefined ? keyedLog(store) : faultyLog(keyedLog(store), rules);
  const leased = { lease: keyedLease(store), owner, clock: systemClock, observer, limits };
  const ownership = new LeasedOwnership(leased);
  const orchestrator = new Orchestrator({
    service: "order",
    owner,
    definitions: [checkout],
    log,
    transport: bus,
    clock: systemClock,
    random: systemRandom,
    observer,
    limits,
    protocol: settings.ORCHESTRATOR_PROTOCOL,
    ownership,
    leadership: new LeasedLeadership({ ...leased, service: "order" }),
    logMayLoseTail: mayLoseTail,
  });
  const service = new OrderService({
    orchestrator,
    store,
    log,
    priceOf: (itemId) => priceOverBus(bus, itemId),
    random: systemRandom,
  });
  return {
    app: orderApp(service, report),
    ping: () => service.ping(),
    stopSeeding: () => service.stopSeeding(),
    async start() {
      await ownership.start();
      await bus.serveQuestions("order", (question) => orchestrator.answerQuestion(question));
      await orchestrator.start();
    },
    async stop() {
      bus.drain();
      store.drain();
      await orchestrator.stop(stopWaitMs);
      await ownership.stop();
    },
  };
}

/** @throws {Problem} stock_unavailable */
async function priceOverBus(bus: NatsBus, itemId: string): Promise<number | undefined> {
  const answer = await bus.requests.ask(priceTopic, new TextEncoder().encode(itemId), priceWaitMs);
  const price = answer === undefined ? undefined : decodePrice(answer);
  if (price !== undefined) return price ?? undefined;
  throw new Problem("stock_unavailable", "The stock service did not return the price. Nothing was added; try again.");
}
