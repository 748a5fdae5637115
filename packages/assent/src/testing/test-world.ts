// A world for unit tests of transactions: the real coordinator and the real handlers, without servers, in virtual time.
import type { AnyTransaction, Steps, Transaction } from "../api/transaction.ts";
import {
  type Coordinator,
  type RunResult,
  serve,
  type Served,
  type Service,
  type ServiceHandlers,
} from "../api/index.ts";
import { observerOf, type Observe } from "../api/report.ts";
import { serveBranches } from "../api/serve.ts";
import type { Actions } from "../api/service.ts";
import type { Unfinished } from "../api/unfinished.ts";
import { memory } from "../memory/index.ts";
import type { ServiceStore } from "../participant/index.ts";
import type { Observation } from "../ports/index.ts";
import { defaultLimits, type Json, type Limits, type Protocol, type HistoryEntry } from "../protocol/index.ts";
import { BranchBook, openOf, type WorldBranch } from "./branch-book.ts";
import { CoordinatorProcess, died } from "./coordinator-process.ts";
import { acceptingHandler } from "./faulty-handler.ts";
import { type CrashPoint, type DrawnFaults, type FaultOptions, Faults, InjectedFailure } from "./faults.ts";
import { SeededRandom } from "./seeded-random.ts";
import { StillTime } from "./still-time.ts";
import type { OutputIn, ReasonIn, StepIn } from "./typed-steps.ts";
import { checkSides, NotSettled } from "./verdicts.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { watchedStore } from "./watched-store.ts";
import { WorldBus } from "./world-bus.ts";

export interface TestWorldOptions<T extends AnyTransaction> {
  readonly transactions: readonly T[];
  /** As for a coordinator: `auto` when left out. */
  readonly protocol?: Protocol | "auto";
  /** Another seed is another order of events, within what is possible. Left out, 1. */
  readonly seed?: number;
  readonly limits?: Partial<Limits>;
  /** Gets every observation. Left out, handlers that fail without a fault are reported on standard error. */
  readonly observe?: Observe;
}

/** The name of the coordinator. */
const name = "world";
const restartAfterMs = 100;
/** A parked transaction is tried again every minute. */
const settledAfterMsMax = 3_600_000;
const settleStepMs = { first: 250, max: 10_000 };

/** Opens a world. Services that the test does not `serve` accept everything. */
export async function testWorld<T extends AnyTransaction>(options: TestWorldOptions<T>): Promise<TestWorld<T>> {
  const random = new SeededRandom(options.seed ?? 1);
  const world = new TestWorld({ ...options, random });
  await world.until(world.coordinator);
  return world;
}

export class TestWorld<T extends AnyTransaction> implements AsyncDisposable {
  /** All that was observed, oldest first. */
  readonly observed: Observation[] = [];
  readonly clock: VirtualClock;
  readonly #options: Omit<TestWorldOptions<T>, "observe">;
  readonly #limits: Limits;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly #bus: WorldBus;
  readonly #book = new BranchBook();
  readonly #still = new StillTime();
  readonly #log = memory();
  readonly #outputs = new Map<string, Json>();
  readonly #served: Served[] = [];
  readonly #observe: Observe;
  #process: CoordinatorProcess;

  /** Made by `testWorld` and `explore`. */
  constructor({
    random,
    drawn,
    observe,
    ...options
  }: TestWorldOptions<T> & { random: SeededRandom; drawn?: DrawnFaults }) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#random = random;
    this.#faults = new Faults(drawn);
    this.clock = new VirtualClock(this.#still.settled);
    const { clock } = this;
    const standIn = (service: string): Promise<unknown> => this.#standIn(service);
    this.#bus = new WorldBus({ clock, random, faults: this.#faults, standIn });
    this.#observe = (seen) => {
      this.observed.push(seen);
      if (observe !== undefined) observe(seen);
      else if (isBug(seen)) observerOf(undefined).observe(seen);
    };
    this.#process = this.#boot();
  }

  /**
   * Serves a service with its real handlers, over `memory()` or any other store, such as a database of the test's own.
   * While a store that is not in memory is at work, virtual time stands still.
   */
  async serve<A extends Actions, Db>(
    service: Service<A>,
    { store }: { readonly store: ServiceStore<Db> },
    handlers: ServiceHandlers<A, Db>,
  ): Promise<Served> {
    const served = await serve(service, { ...this.#surroundings, store: this.#watched(store) }, handlers);
    this.#served.push(served);
    return served;
  }

  /** Runs a transaction, as a caller does that runs it again when the coordinator dies meanwhile. */
  run<Input, S extends Steps>(transaction: Transaction<Input, S>, key: string, input: Input): Promise<RunResult<S>> {
    return this.#ask((current) => current.run(transaction, key, input));
  }

  /** The votes of a step are no, with this reason, whatever its handler would do. */
  refuse<Name extends StepIn<T>>(step: Name, reason: ReasonIn<T, Name>, options?: Pick<FaultOptions, "times">): void {
    this.#faults.arm({ kind: "refuse", reason }, step, options);
  }

  /** The handler of a step does its work and throws: nothing of it is kept. A saga that commits calls no handler. */
  fail(step: StepIn<T>, options?: FaultOptions): void {
    this.#faults.arm({ kind: "fail" }, step, options);
  }

  /** Commands of a step are carried out, and their answers are lost. */
  lose(step: StepIn<T>, options?: FaultOptions): void {
    this.#faults.arm({ kind: "lose" }, step, options);
  }

  /** Commands of a step arrive later. */
  delay(step: StepIn<T>, ms: number, options?: FaultOptions): void {
    this.#faults.arm({ kind: "delay", ms }, step, options);
  }

  /**
   * The coordinator's process dies right after its next log write of this kind, before it has seen that it was written.
   * A moment later another one is opened over the same log.
   */
  crash(point: CrashPoint): void {
    this.#faults.armCrash(point);
  }

  /** Ends the faults of a step, or all. */
  heal(step?: StepIn<T>): void {
    this.#faults.heal(step);
  }

  /** What a step returns whose service is not served. */
  returns<Name extends StepIn<T>>(step: Name, output: OutputIn<T, Name>): void {
    this.#outputs.set(step, output as Json);
  }

  /** Lets time pass, and all happen that falls due. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Waits for a promise while time passes. @throws when it takes longer than a caller would ever wait */
  until<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.until(promise, 2 * this.#limits.requestWaitMs + this.#limits.parkedRetryMs);
  }

  /** Lets time pass until every transaction and every branch has ended. @throws {NotSettled} after an hour of trying */
  async settled(): Promise<void> {
    const from = this.clock.monotonic();
    for (let stepMs = settleStepMs.first; ; stepMs = Math.min(2 * stepMs, settleStepMs.max)) {
      const unfinished = await this.#ask(unfinishedOf);
      const open = openOf(this.branches());
      if (unfinished.length === 0 && open.length === 0) return;
      if (this.clock.monotonic() - from >= settledAfterMsMax) throw new NotSettled(unfinished, open);
      await this.advance(stepMs);
    }
  }

  /** What was written about the latest attempt, when and by which process, oldest first. */
  history<Input, S extends Steps>(transaction: Transaction<Input, S>, key: string): Promise<readonly HistoryEntry[]> {
    return this.#ask((current) => current.get(transaction, key).history());
  }

  /** The branches of a key, or of all keys, each in the state that its store has it in. */
  branches(key?: string): readonly WorldBranch[] {
    return this.#book.branches.filter((branch) => key === undefined || branch.key === key);
  }

  /**
   * Once everything has `settled`.
   * @throws {NotAtomic} when the branches of a transaction are not all on the side of its decision
   */
  async assertAtomic(): Promise<void> {
    const { log } = await this.#log.openLog({ coordinator: name, limits: this.#limits, clock: this.clock });
    for (const branches of Map.groupBy(this.branches(), ({ tx }) => tx).values()) {
      const [{ tx } = { tx: "" }] = branches;
      checkSides(branches, await this.until(log.read(tx)));
    }
  }

  /** Every fault that struck so far, oldest first. */
  get faults(): readonly string[] {
    return this.#faults.struck;
  }

  /** The coordinator of now, for all that it can do besides; after a crash, the next one. Wait for it with `until`. */
  get coordinator(): Promise<Coordinator> {
    return this.#opened().then(([current]) => current);
  }

  async close(): Promise<void> {
    this.heal();
    const current = await this.until(this.coordinator);
    await this.until(current.close());
    for (const served of this.#served) await this.until(served.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #surroundings() {
    return { clock: this.clock, random: this.#random, bus: this.#bus, observe: this.#observe, limits: this.#limits };
  }

  #boot(): CoordinatorProcess {
    const { transactions, protocol = "auto" } = this.#options;
    const process = new CoordinatorProcess({
      ...this.#surroundings,
      name,
      log: this.#log,
      transactions,
      protocol,
      diesAt: (point) => this.#faults.strikeCrash(point),
    });
    void process.died.then(() => this.clock.after(restartAfterMs, () => (this.#process = this.#boot())));
    return process;
  }

  #watched<Db>(store: ServiceStore<Db>): ServiceStore<Db> {
    return watchedStore(store, { faults: this.#faults, book: this.#book, still: this.#still });
  }

  async #standIn(service: string): Promise<void> {
    const store: ServiceStore<unknown> = this.#watched(memory());
    this.#served.push(await serveBranches(service, acceptingHandler(this.#outputs), { ...this.#surroundings, store }));
  }

  /** Asks the coordinator of now, and if that dies before it answers, the next one. */
  async #ask<Value>(work: (current: Coordinator) => Promise<Value>): Promise<Value> {
    for (;;) {
      const [current, process] = await this.until(this.#opened());
      const answer = await this.until(Promise.race([work(current), process.died]));
      if (answer !== died) return answer;
    }
  }

  async #opened(): Promise<readonly [Coordinator, CoordinatorProcess]> {
    for (;;) {
      const process = this.#process;
      const opened = await Promise.race([process.opened, process.died]);
      if (opened !== died && process.isAlive) return [opened, process];
      await new Promise<void>((resolve) => void this.clock.after(restartAfterMs, resolve));
    }
  }
}

async function unfinishedOf(current: Coordinator): Promise<readonly Unfinished[]> {
  const all: Unfinished[] = [];
  for await (const each of current.list()) all.push(each);
  return all;
}

/** A handler failed, and no fault made it. */
function isBug(seen: Observation): boolean {
  return seen.type === "HandlerFailed" && !(seen.error.cause instanceof InjectedFailure);
}
