// The same checkout with the orchestrator, on the same stores: commands are sent as encoded bytes to participants in
// the same process.
import { checkout } from "@assent/order";
import { Orchestrator } from "assent/internal/coordinator";
import { Participant } from "assent/internal/participant";
import { defaultLimits, type Protocol } from "assent/internal/protocol";
import { keyedBranchStore, keyedLog } from "assent/internal/engine";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { MemoryTransport } from "assent/memory";
import type { LocalStores } from "./local-stores.ts";

/** Begin, phase 1, decision: sequential store steps before the answer. */
export const orchestratedSequentialSteps = 3;

export interface OrchestratedCheckout {
  run(orderId: string): Promise<boolean>;
  /** Resolves when all background work is done as well. */
  stop(): Promise<void>;
}

const stopWaitMs = 30_000;

export function orchestratedCheckout(stores: LocalStores, protocol: Protocol): OrchestratedCheckout {
  const clock = systemClock;
  const random = systemRandom;
  const participant = (store: LocalStores["stock"]): Participant =>
    new Participant({
      store: keyedBranchStore(store),
      questions: { ask: () => Promise.resolve(undefined) },
      clock,
      random,
    });
  const stock = participant(stores.stock);
  const payment = participant(stores.payment);
  const orchestrator = new Orchestrator({
    service: "order",
    owner: "bench",
    definitions: [checkout],
    log: keyedLog(stores.order),
    transport: new MemoryTransport({
      endpoints: { stock: (message) => stock.handle(message), payment: (message) => payment.handle(message) },
      clock,
      schedule: nextTurn,
    }),
    clock,
    random,
    limits: defaultLimits,
    protocol,
  });
  return {
    run: async (orderId) => (await orchestrator.run(checkout, { key: orderId, fromRow: true })).kind === "committed",
    stop: () => orchestrator.stop(stopWaitMs),
  };
}
