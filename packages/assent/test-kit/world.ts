// A small world in virtual time: two services with ledgers, a bus that promises nothing, and processes that can die.
// A trip takes rooms of a hotel and seats of a flight, all or nothing.
import { branchOperations } from "../src/engine/index.ts";
import { type Account, ledgerHandler, type LedgerTotals, ledgerOperations } from "../src/ledger/index.ts";
import {
  defineTransaction,
  Orchestrator,
  type OrchestratorOptions,
  type StandardSchema,
  type Transaction,
  unfinishedRecords,
} from "../src/coordinator/index.ts";
import { type BranchHandler, type BranchStep, Participant } from "../src/participant/index.ts";
import { type Observation, type Row, type Tables, type TransactionLog } from "../src/ports/index.ts";
import {
  type BranchRecord,
  defaultLimits,
  isJsonObject,
  type Limits,
  type BranchAction,
  type ActionResult,
  type TransactionRecord,
} from "../src/protocol/index.ts";
import { memoryBranches, type MemoryBranches, memoryLog, type MemoryLog } from "../src/memory/index.ts";
import { JournalEngine } from "./journal-engine.ts";
import { MortalProcess } from "../src/testing/mortal-process.ts";
import { Network } from "./network.ts";
import { ScriptedLog } from "./scripted-log.ts";
import { SeededRandom, VirtualClock } from "../src/testing/index.ts";

export interface Trip {
  readonly hotel: string;
  readonly rooms: number;
  readonly flight: string;
  readonly seats: number;
}

/** Enough of a schema for tests: an object that has a hotel. */
export const tripSchema: StandardSchema<Trip> = {
  "~standard": {
    version: 1,
    vendor: "test-kit",
    validate: (value) =>
      isJsonObject(value as never) && "hotel" in (value as object)
        ? { value: value as Trip }
        : { issues: [{ message: "a trip has a hotel" }] },
  },
};

export const trip: Transaction<Trip> = defineTransaction({
  name: "trip",
  input: tripSchema,
  steps: {
    rooms: { service: "hotels", payload: ({ hotel, rooms }) => ({ entries: [[hotel, rooms]] }) },
    seats: { service: "flights", payload: ({ flight, seats }) => ({ entries: [[flight, seats]] }) },
  },
  onCommit: { set: { booked: true } },
});

export const services = ["hotels", "flights"] as const;
export type Service = (typeof services)[number];

/** A handler's operation that is about to run, with its correct implementation. */
export interface Handling {
  readonly service: Service;
  readonly operation: BranchAction;
  readonly txId: string;
  readonly good: () => ActionResult;
}

export interface Started {
  readonly process: MortalProcess;
  readonly orchestrator: Orchestrator;
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly limits: Limits;
  readonly network: Network;
  readonly scriptedLog = new ScriptedLog();
  readonly observations: Observation[] = [];
  readonly participants = new Map<Service, Participant>();
  readonly #branches = new Map<Service, MemoryBranches>();
  /** What the handlers do: by default, what a ledger does. */
  handle: (handling: Handling) => unknown = ({ good }) => good();
  #engine = new JournalEngine();
  #store: MemoryLog;
  #boots = 0;

  constructor(options: { seed?: number; limits?: Partial<Limits> } = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.limits = { ...defaultLimits, ...options.limits };
    this.network = new Network(this.clock);
    this.#store = this.#openLog();
    for (const service of services) this.#openService(service);
  }

  /** A world whose hotel "h" has this many rooms, and flight "f" this many seats. */
  static async with(
    { rooms, seats }: { rooms: number; seats: number },
    options: { seed?: number; limits?: Partial<Limits> } = {},
  ): Promise<World> {
    const world = new World(options);
    await world.deposit("hotels", "h", rooms);
    await world.deposit("flights", "f", seats);
    return world;
  }

  /** A new process with an orchestrator over the same log. The one before, if any, is left to its fate. */
  boot(options: Partial<OrchestratorOptions> = {}): Started {
    this.#boots += 1;
    const process = new MortalProcess(this.clock);
    const log = process.log(this.scriptedLog.over(() => this.#store.log));
    const orchestrator = new Orchestrator({
      service: "trips",
      owner: `trips-${this.#boots}`,
      definitions: [trip],
      log,
      transport: process.transport(this.network),
      clock: process.clock,
      random: this.random,
      observer: { observe: (observation) => this.observations.push(observation) },
      limits: this.limits,
      ...options,
    });
    this.network.coordinators.set("trips", (message) =>
      process.isAlive ? orchestrator.handleQuestions(message) : Promise.resolve(undefined),
    );
    return { process, orchestrator };
  }

  get log(): TransactionLog {
    return this.#store.log;
  }

  get store(): MemoryLog {
    return this.#store;
  }

  get commits(): number {
    return this.#engine.commits;
  }

  /** The log as it was after so many commits: what came later is lost (R5). */
  loseLogAfter(commits: number): void {
    this.#engine = this.#engine.upTo(commits);
    this.#store = this.#openLog();
  }

  async row(key: string): Promise<Row | undefined> {
    return this.clock.until(this.#store.rows.readRow(key));
  }

  async record(txId: string): Promise<TransactionRecord | undefined> {
    return this.clock.until(this.#store.log.read(txId));
  }

  async active(): Promise<readonly TransactionRecord[]> {
    return this.clock.until(unfinishedRecords(this.#store.log, 1_000));
  }

  async account(service: Service, accountId: string): Promise<Account> {
    const account = await this.clock.until(this.ledger(service).run(ledgerOperations.findAccount, { accountId }));
    if (account === null) throw new Error(`there is no account ${accountId}`);
    return account;
  }

  async totals(service: Service): Promise<LedgerTotals> {
    return this.clock.until(this.ledger(service).run(ledgerOperations.totals, undefined));
  }

  async branch(service: Service, txId: string): Promise<BranchRecord | null> {
    const branchId = service === "hotels" ? "rooms/0" : "seats/0";
    return this.clock.until(this.ledger(service).run(branchOperations.readBranch, { txId, branchId }));
  }

  async deposit(service: Service, accountId: string, amount: number): Promise<void> {
    const ledger = this.ledger(service);
    const known = await this.clock.until(ledger.run(ledgerOperations.findAccount, { accountId }));
    if (known === null) {
      await this.clock.until(ledger.run(ledgerOperations.openAccount, { accountId, generation: "g1", details: null }));
    }
    if (amount > 0) await this.clock.until(ledger.run(ledgerOperations.deposit, { accountId, amount }));
  }

  ledger(service: Service): MemoryBranches {
    const branches = this.#branches.get(service);
    if (branches === undefined) throw new Error(`there is no service ${service}`);
    return branches;
  }

  participant(service: Service): Participant {
    const participant = this.participants.get(service);
    if (participant === undefined) throw new Error(`there is no service ${service}`);
    return participant;
  }

  seen(type: Observation["type"]): Observation[] {
    return this.observations.filter((observation) => observation.type === type);
  }

  /** Operations of one moment are committed together, at the end of that moment. */
  schedule = (callback: () => void): void => {
    this.clock.after(0, callback);
  };

  #openLog(): MemoryLog {
    return memoryLog({ clock: this.clock, schedule: this.schedule, limits: this.limits, engine: this.#engine });
  }

  #openService(service: Service): void {
    const { clock, schedule, limits, random, network } = this;
    const reasons = { insufficient: "sold_out", absent: "no_such_thing" };
    const ledger = ledgerHandler(reasons);
    const handle = (operation: BranchAction) => (step: BranchStep<Tables>) =>
      this.handle({ service, operation, txId: step.txId, good: () => ledger[operation](step) }) as ActionResult;
    const handler: BranchHandler<Tables> = {
      prepare: handle("prepare"),
      execute: handle("execute"),
      reapply: handle("reapply"),
      commit: handle("commit"),
      abort: handle("abort"),
      compensate: handle("compensate"),
    };
    const branches = memoryBranches(handler, ledgerOperations, { clock, schedule, limits });
    const observer = { observe: (observation: Observation) => this.observations.push(observation) };
    const options = { store: branches.store, questions: network, clock, random, observer, limits };
    const participant = new Participant(options);
    this.#branches.set(service, branches);
    this.participants.set(service, participant);
    network.participants.set(service, (message) => participant.handle(message));
  }
}
