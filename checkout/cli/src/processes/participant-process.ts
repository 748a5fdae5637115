// `assent stock` and `assent payment`: one instance of a service that participates in checkouts.
import { ledgerOperations } from "assent/ledger";
import { FaultyBranchStore, participantPoints } from "@assent/faults";
import { Participant } from "assent/internal/participant";
import { paymentApp, PaymentService, paymentOperations } from "@assent/payment";
import type { Limits } from "assent/internal/protocol";
import { priceOf, stockApp, StockService, stockOperations } from "@assent/stock";
import { type Executor, keyedBranchStore } from "assent/internal/engine";
import { systemClock, systemRandom } from "assent/node";
import type { NatsBus } from "@assent/nats";
import { observationLog } from "../observation-log.ts";
import { encodePrice, priceTopic } from "./price-messages.ts";
import { limitsOf, type ProcessSettings } from "./process-settings.ts";
import { runService, type ServiceParts, type Surroundings } from "./service-process.ts";

export function runStock(settings: ProcessSettings): Promise<void> {
  const limits = limitsOf(settings);
  return runService({
    path: "stock",
    settings,
    operations: stockOperations(limits),
    faultPoints: participantPoints,
    make(surroundings) {
      const { store, bus, report } = surroundings;
      const service = new StockService({ store, random: systemRandom });
      return {
        app: stockApp(service, report),
        ping: () => service.ping(),
        stopSeeding: () => service.stopSeeding(),
        ...takingPart("stock", { ...surroundings, limits }, () => servePrices(bus, store)),
      };
    },
  });
}

export function runPayment(settings: ProcessSettings): Promise<void> {
  const limits = limitsOf(settings);
  return runService({
    path: "payment",
    settings,
    operations: paymentOperations(limits),
    faultPoints: participantPoints,
    make(surroundings) {
      const service = new PaymentService({ store: surroundings.store, random: systemRandom });
      return {
        app: paymentApp(service, surroundings.report),
        ping: () => service.ping(),
        stopSeeding: () => service.stopSeeding(),
        ...takingPart("payment", { ...surroundings, limits }),
      };
    },
  });
}

/** Commands from the bus, applied to the store. */
function takingPart(
  service: string,
  { owner, store, bus, rules, limits }: Surroundings & { readonly limits: Limits },
  serveMore: () => Promise<void> = () => Promise.resolve(),
): Pick<ServiceParts, "start" | "stop"> {
  const branches = keyedBranchStore(store);
  const participant = new Participant({
    store: rules === undefined ? branches : new FaultyBranchStore(branches, rules),
    questions: bus,
    clock: systemClock,
    random: systemRandom,
    observer: observationLog(owner),
    limits,
  });
  let stopServing: () => Promise<void> = () => Promise.resolve();
  return {
    async start() {
      const serving = await bus.serveCommands(service, (message) => participant.handle(message));
      stopServing = () => serving.stop();
      await serveMore();
      participant.start();
    },
    async stop() {
      participant.stop();
      await stopServing();
    },
  };
}

async function servePrices(bus: NatsBus, store: Executor): Promise<void> {
  await bus.requests.serve(priceTopic, async (message) => {
    const account = await store.run(ledgerOperations.findAccount, { accountId: new TextDecoder().decode(message) });
    return encodePrice(account === null ? undefined : priceOf(account));
  });
}
