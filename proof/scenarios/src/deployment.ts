// The checkout system deployed in the simulator: three stores on separate servers, instances of each service as
// processes that can die, and a bus between them.
import { ledgerOperations } from "assent/ledger";
import { type OrderFields, OrderService, orderOperations } from "@assent/order";
import {
  LeasedLeadership,
  LeasedOwnership,
  Orchestrator,
  type OrchestratorOptions,
  ownerLease,
  planBranches,
  type ProtocolPolicy,
  type RunRequest,
  type RunResult,
  type Transaction,
} from "assent/internal/coordinator";
import { Participant } from "assent/internal/participant";
import { type Lease, type Observation, type TransactionLog } from "assent/internal/ports";
import { paymentOperations, PaymentService } from "@assent/payment";
import {
  decodeCommands,
  decoded,
  decodeQuestionAnswers,
  encodeQuestions,
  InvariantViolation,
  type Limits,
} from "assent/internal/protocol";
import { History, SimulatedBus, SimulatedProcess, SimulatedStore, Trace } from "@assent/simulator";
import { SeededRandom, VirtualClock } from "assent/testing";
import { priceOf, stockOperations, StockService } from "@assent/stock";
import { type BoundOperations, type Executor, keyedBranchStore, keyedLease, keyedLog } from "assent/internal/engine";
import { MemoryTransport } from "assent/memory";
import { checkoutShapes } from "./checkout-shapes.ts";
import { slotNames, type Swarm } from "./swarm.ts";
import { limitsOf, losesTails } from "./world-limits.ts";

export interface OrderInstance {
  readonly process: SimulatedProcess;
  readonly service: OrderService;
  readonly orchestrator: Orchestrator;
}

/** Runs the checkout in the shape of the swarm, and reports every returned result to the history (C3, C5). */
class WatchedOrchestrator extends Orchestrator {
  readonly #shape: Transaction<OrderFields>;
  readonly #history: History;

  constructor(options: OrchestratorOptions, { shape, history }: { shape: Transaction<OrderFields>; history: History }) {
    super(options);
    this.#shape = shape;
    this.#history = history;
  }

  override async run<Input>(_transaction: Transaction<Input>, request: RunRequest): Promise<RunResult> {
    const result = await super.run(this.#shape, request);
    if (result.kind === "committed" || result.kind === "aborted") this.#history.checkTold(result.txId, result.kind);
    return result;
  }
}

function mixedPolicy(random: SeededRandom): ProtocolPolicy {
  return { choose: () => random.pick(["2pc", "saga"]), finished: () => undefined, abortRate: () => 0 };
}

export class Deployment {
  readonly time = new VirtualClock();
  readonly trace: Trace;
  readonly random: SeededRandom;
  readonly bus: SimulatedBus;
  readonly history: History;
  readonly orders: SimulatedStore;
  readonly stock: SimulatedStore;
  readonly payment: SimulatedStore;
  readonly orderInstances = new Map<string, OrderInstance>();
  readonly processes = new Map<string, SimulatedProcess>();
  /** Commits of the order store from before the run, which are never lost. */
  setupCommits = 0;
  readonly #swarm: Swarm;
  readonly #limits: Limits;
  readonly #shape: Transaction<OrderFields>;
  #boots = 0;

  constructor({ swarm, random, keepTrace }: { swarm: Swarm; random: SeededRandom; keepTrace: boolean }) {
    this.#swarm = swarm;
    this.#shape = checkoutShapes[swarm.shape];
    this.#limits = limitsOf(swarm);
    const limits = this.#limits;
    this.random = random;
    this.trace = new Trace({ now: () => this.time.monotonic(), keep: keepTrace });
    const { time, trace } = this;
    const shared = { time, random, trace };
    this.bus = new SimulatedBus(shared);
    this.history = new History({
      time,
      trace,
      limits,
      planOf: ({ input }) => planBranches(this.#shape, input, limits),
      storeOf: ({ service }) => service,
    });
    const store = (name: string, operations: BoundOperations): SimulatedStore =>
      new SimulatedStore({ ...shared, name, operations: this.history.watched(operations) });
    this.orders = store("orders", orderOperations(limits));
    this.stock = store("stock", stockOperations(limits));
    this.payment = store("payment", paymentOperations(limits));
  }

  get stores(): readonly [SimulatedStore, SimulatedStore, SimulatedStore] {
    return [this.orders, this.stock, this.payment];
  }

  /** Starts checking; the setup before it is taken as given. */
  watch(): void {
    this.history.watch(this.orders, true);
    this.history.watch(this.stock);
    this.history.watch(this.payment);
  }

  bootAll(): void {
    for (const slot of slotNames(this.#swarm.slots)) this.boot(slot);
  }

  /** Starts a process in a slot; the previous one, if any, is dead by now. */
  boot(slot: string): void {
    this.processes.get(slot)?.die();
    this.#boots += 1;
    const skewMs = this.#swarm.skewMs === 0 ? 0 : (this.random.uniform() - 0.5) * this.#swarm.skewMs;
    const process = new SimulatedProcess({
      name: `${slot}.${this.#boots}`,
      time: this.time,
      skewMs: Math.round(skewMs),
    });
    this.processes.set(slot, process);
    this.trace.add(`${process.name} starts`);
    if (slot.startsWith("order")) this.#bootOrder(slot, process);
    else if (slot.startsWith("stock")) this.#bootParticipant(slot, process, this.stock);
    else this.#bootParticipant(slot, process, this.payment);
  }

  #bootOrder(slot: string, process: SimulatedProcess): void {
    const { clock } = process;
    const store = this.orders.seenBy(process);
    const observer = { observe: (observation: Observation) => this.#observed(process.name, observation) };
    const random = new SeededRandom(this.random.below(2 ** 31));
    const endpoint = (service: string) => (message: Uint8Array) => {
      const commands = decodeCommands(message).map(decoded);
      this.history.noteSent(commands);
      const forgets = commands.some(({ verb }) => verb === "forget");
      return this.bus.exchange(
        { from: process, fromSlot: slot },
        { service, message, waitMs: this.#limits.answerWaitMs, forgets },
      );
    };
    const owner = process.name;
    this.history.noteOwner(owner);
    const leased = { lease: this.#watchedLease(store), owner, clock, observer, limits: this.#limits };
    const ownership = new LeasedOwnership(leased);
    const options: OrchestratorOptions = {
      service: "order",
      owner,
      definitions: [this.#shape],
      log: this.#watchedLog(store),
      transport: new MemoryTransport({
        endpoints: { stock: endpoint("stock"), payment: endpoint("payment") },
        clock,
        schedule: (callback) => void clock.after(0, callback),
      }),
      clock,
      random,
      observer,
      limits: this.#limits,
      protocol: this.#swarm.protocol === "mixed" ? mixedPolicy(random) : this.#swarm.protocol,
      ownership,
      leadership: new LeasedLeadership({ ...leased, service: "order" }),
      logMayLoseTail: losesTails(this.#swarm),
    };
    const orchestrator = new WatchedOrchestrator(options, { shape: this.#shape, history: this.history });
    const stock = this.stock.seenBy(process);
    const service = new OrderService({
      orchestrator,
      store,
      log: options.log,
      priceOf: async (itemId) => {
        const account = await stock.run(ledgerOperations.findAccount, { accountId: itemId });
        return account === null ? undefined : priceOf(account);
      },
      random,
    });
    this.orderInstances.set(slot, { process, service, orchestrator });
    this.bus.serve("order", slot, { process, handler: (message) => orchestrator.handleQuestions(message) });
    void ownership.start().then(() => orchestrator.start());
  }

  #watchedLog(store: Executor): TransactionLog {
    const log = keyedLog(store);
    return {
      ...log,
      decide: (request) => {
        this.history.noteIntent(request);
        return log.decide(request);
      },
      rebuild: (record) => {
        this.history.noteRebuild(record);
        return log.rebuild(record);
      },
    };
  }

  #watchedLease(store: Executor): Lease {
    const lease = keyedLease(store);
    return {
      ...lease,
      acquire: async (name, holder, ttlMs) => {
        const grant = await lease.acquire(name, holder, ttlMs);
        if (name === ownerLease(holder) && grant.holder === holder) this.history.noteLease(holder, grant.counter);
        return grant;
      },
    };
  }

  #bootParticipant(slot: string, process: SimulatedProcess, store: SimulatedStore): void {
    const participant = new Participant({
      store: keyedBranchStore(store.seenBy(process)),
      questions: {
        ask: async (coordinator, question, waitMs) => {
          const message = encodeQuestions([question]);
          const from = { from: process, fromSlot: slot };
          const reply = await this.bus.exchange(from, { service: coordinator, message, waitMs });
          return reply === undefined ? undefined : decoded(decodeQuestionAnswers(reply)[0]);
        },
      },
      clock: process.clock,
      random: new SeededRandom(this.random.below(2 ** 31)),
      observer: { observe: (observation) => this.#observed(process.name, observation) },
      limits: this.#limits,
    });
    this.bus.serve(slot.startsWith("stock") ? "stock" : "payment", slot, {
      process,
      handler: (message) => participant.handle(message),
    });
    participant.start();
  }

  #observed(name: string, observation: Observation): void {
    if (observation.type === "AlarmRaised") {
      const { code, txId, branchId, detail } = observation;
      this.history.report({ rule: "P2", text: `${name} raised ${code} on ${branchId}: ${detail}`, txId });
    } else if (observation.type === "BackgroundWorkFailed") {
      const text = String(observation.error);
      this.trace.add(`${name} failed to ${observation.work}: ${text}`);
      if (isInvariantViolation(observation.error)) this.history.report({ rule: "invariant", text: `${name}: ${text}` });
    }
  }

  /** The services without faults, as used for setup and inspection. */
  get stockService(): StockService {
    return new StockService({ store: this.stock.direct, random: this.random });
  }

  get paymentService(): PaymentService {
    return new PaymentService({ store: this.payment.direct, random: this.random });
  }
}

/** The error, or what it was caused by. */
function isInvariantViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof InvariantViolation || isInvariantViolation(error.cause);
}
