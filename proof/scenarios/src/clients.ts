// Clients that want orders paid: they repeat requests with unknown outcomes, and remember their answers.
import { ledgerOperations } from "assent/ledger";
import { Problem } from "@assent/contract";
import type { Deployment } from "./deployment.ts";
import type { Swarm } from "./swarm.ts";

export interface Reported {
  readonly orderId: string;
  readonly outcome: "paid" | "failed";
}

/** Problems without an outcome: unknown, or nothing was started. */
const openProblems: readonly string[] = ["checkout_pending", "overloaded", "order_not_found"];

export class Clients {
  readonly reported: Reported[] = [];
  checkouts = 0;
  #generations = 0;
  readonly #deployment: Deployment;
  readonly #swarm: Swarm;

  constructor(deployment: Deployment, swarm: Swarm) {
    this.#deployment = deployment;
    this.#swarm = swarm;
  }

  /** Sends requests at random times until `untilMs`. */
  start(untilMs: number): void {
    const { time, random } = this.#deployment;
    const next = (): void => {
      if (time.monotonic() >= untilMs) return;
      this.#act();
      time.after(random.uniform() * 2 * this.#swarm.pauseMs, next);
    };
    time.after(0, next);
  }

  /** Checks out an order, and repeats while the answer is open; resolves with the final answer, if there is one. */
  async insist(orderId: string, tries: number): Promise<Reported["outcome"] | undefined> {
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const outcome = await this.#checkout(orderId);
      if (outcome !== undefined) return outcome;
      await new Promise<void>((resolve) => {
        this.#deployment.time.after(1_000, resolve);
      });
    }
    return undefined;
  }

  #act(): void {
    const { random, stockService, paymentService } = this.#deployment;
    const orderId = String(random.below(this.#swarm.orders));
    const act = random.uniform();
    if (act < 0.8) void this.#checkout(orderId);
    else if (act < 0.9 && this.#swarm.addsItems) this.#addItem(orderId);
    else if (act < 0.92 && this.#swarm.reseeds) this.#reseed();
    else if (!this.#swarm.deposits) return;
    else if (act < 0.95) void stockService.add(String(random.below(this.#swarm.items)), 1).catch(ignored);
    else void paymentService.addFunds(String(random.below(this.#swarm.users)), 1).catch(ignored);
  }

  #addItem(orderId: string): void {
    const { random, orderInstances } = this.#deployment;
    const { process, service } = random.pick([...orderInstances.values()]);
    const itemId = String(random.below(this.#swarm.items));
    process.run(() => void service.addItem({ orderId, itemId, quantity: 1 }).catch(ignored));
  }

  #reseed(): void {
    const { random, stock, payment } = this.#deployment;
    const { items, users, stockPerItem, creditPerUser } = this.#swarm;
    this.#generations += 1;
    const fresh = { count: 1, generation: `g1.${this.#generations}` };
    const item = { ...fresh, first: random.below(items), available: stockPerItem, details: { price: 1 } };
    const user = { ...fresh, first: random.below(users), available: creditPerUser, details: null };
    const seeding = random.chance(0.5)
      ? stock.direct.run(ledgerOperations.seed, item)
      : payment.direct.run(ledgerOperations.seed, user);
    seeding.catch(ignored);
  }

  /** One request to some instance. Undefined while the outcome is open; never settles if the instance dies. */
  #checkout(orderId: string): Promise<Reported["outcome"] | undefined> {
    const { random, orderInstances, trace } = this.#deployment;
    const { process, service } = random.pick([...orderInstances.values()]);
    this.checkouts += 1;
    return new Promise((resolve) => {
      // A client gives up eventually, whatever happened to the server.
      this.#deployment.time.after(clientWaitMs, () => resolve(undefined));
      const report = (outcome: Reported["outcome"]): void => {
        this.reported.push({ orderId, outcome });
        trace.add(`client gets ${outcome} for ${orderId}`);
        resolve(outcome);
      };
      process.run(() => {
        service.checkout(orderId).then(
          () => process.run(() => report("paid")),
          (error: unknown) => {
            if (!(error instanceof Problem)) return resolve(undefined);
            if (openProblems.includes(error.code) || error.code.startsWith("service_")) return resolve(undefined);
            process.run(() => report("failed"));
          },
        );
      });
    });
  }
}

const clientWaitMs = 10_000;

/** Deposits that are refused or not answered do not matter here: the books do. */
function ignored(): void {
  return undefined;
}
