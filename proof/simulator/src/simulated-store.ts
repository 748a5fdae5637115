// A store on a separate server, shared by the instances of a service: the real operations and the real group commit
// over an engine that records every commit, so that the newest ones can be lost. Calls are slow, fail before execution,
// or are executed but lose their reply.
import { type BoundOperations, Executor, GroupCommitExecutor, StoreFailure } from "assent/internal/engine";
import { JournaledEngine } from "./journaled-engine.ts";
import type { SeededRandom, VirtualClock } from "assent/testing";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";

/** How calls fare while this is active. Chances from 0 to 1. */
export interface StoreWeather {
  readonly failure: number;
  readonly lostReply: number;
  readonly slow: number;
  readonly slowMaxMs: number;
  readonly full: boolean;
}

export const fairStoreWeather: StoreWeather = { failure: 0, lostReply: 0, slow: 0, slowMaxMs: 0, full: false };

export interface SimulatedStoreOptions {
  readonly name: string;
  readonly operations: BoundOperations;
  readonly time: VirtualClock;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly skewMs?: number;
}

const latencyMaxMs = 2;
const commitEveryMs = 1;

export class SimulatedStore {
  readonly name: string;
  weather: StoreWeather = fairStoreWeather;
  readonly #options: SimulatedStoreOptions;
  #engine: JournaledEngine;
  #executor: Executor;

  constructor(options: SimulatedStoreOptions) {
    this.name = options.name;
    this.#options = options;
    this.#engine = new JournaledEngine(() => this.weather.full);
    this.#executor = this.#open();
  }

  get engine(): JournaledEngine {
    return this.#engine;
  }

  /** The store as seen by one process. */
  seenBy(process: SimulatedProcess): Executor {
    return Executor.over((call) =>
      process.call(() => this.#call(call.name, () => this.#executor.perform({ ...call, input: wire(call.input) }))),
    );
  }

  /** The store without faults, for setup and inspection. */
  get direct(): Executor {
    return this.#executor;
  }

  /** Restarts without its newest commits, like a replica that lagged behind. Calls in progress are lost, too. */
  loseTail(commits: number): void {
    // The server is gone, so its calls in progress no longer matter.
    this.#engine.watcher = undefined;
    this.#engine = this.#engine.without(commits);
    this.#executor = this.#open();
    this.#options.trace.fault(`${this.name} lost its last ${commits} commits`);
  }

  #open(): Executor {
    const { operations, time, skewMs = 0 } = this.#options;
    return new GroupCommitExecutor({
      engine: this.#engine,
      operations,
      now: () => time.now() + skewMs,
      schedule: (callback) => void time.after(commitEveryMs, callback),
    });
  }

  async #call<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { time, random, trace } = this.#options;
    const { failure, lostReply, slow, slowMaxMs } = this.weather;
    const latency = random.uniform() * latencyMaxMs + (random.chance(slow) ? random.uniform() * slowMaxMs : 0);
    await passed(time, latency);
    if (random.chance(failure)) {
      trace.fault(`${this.name} ${name} was not executed`);
      throw new StoreFailure("store_broken", "the store did not answer");
    }
    const result = await work();
    await passed(time, random.uniform() * latencyMaxMs);
    if (random.chance(lostReply)) {
      trace.fault(`${this.name} ${name} was executed but not answered`);
      throw new StoreFailure("store_broken", "the store did not answer");
    }
    return wire(result);
  }
}

function passed(time: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    time.after(ms, resolve);
  });
}

/** Messages carry copies. */
function wire<T>(value: T): T {
  // A copy has the type of the original: what travels is JSON.
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
