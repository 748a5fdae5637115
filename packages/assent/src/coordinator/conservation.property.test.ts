// Whatever is lost, doubled, delayed or killed: once it stops, nobody was charged twice, or for nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fate, delivered } from "../../test-kit/network.ts";
import type { SeededRandom } from "../testing/index.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { services, type Started, trip, type Trip, World } from "../../test-kit/world.ts";
import type { RunResult } from "./run-result.ts";

/** Always the same. What only many seeds find is for `npm run proof -- sim`, which checks the same rules and more. */
const seeds = 60;
/** How long faults go on, and how long there is to clean up afterwards. */
const stormMs = 30_000;
const calmMs = 300_000;

/** Shorter than the defaults, so that deadlines, leases and questions all happen within one storm. */
const limits = {
  phaseOneDeadlineMs: 2_000,
  requestWaitMs: 4_000,
  takeoverGraceMs: 1_000,
  replyWaitMs: 500,
  releaseWaitMs: 600,
  contendedWaitMs: 400,
  askAfterMs: 5_000,
  retryMaxMs: 4_000,
  parkedRetryMs: 8_000,
  parkAfterAttempts: 4,
};

interface Returned {
  readonly key: string;
  readonly result: RunResult;
}

class Storm {
  readonly reported: Returned[] = [];
  readonly trips = new Map<string, Trip>();
  readonly #world: World;
  readonly #random: SeededRandom;
  #current: Started | undefined;
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random;
    for (let index = 0; index < 5; index += 1) this.trips.set(`k${index}`, this.#trip());
  }

  async run(): Promise<void> {
    const { clock, network, scriptedLog } = this.#world;
    network.commandFate = () => this.#fate();
    network.questionFate = () => this.#fate();
    scriptedLog.answered = () => this.#logFault();
    for (const service of services) this.#world.participant(service).start();
    this.#boot();
    for (let elapsedMs = 0; elapsedMs < stormMs;) {
      const stepMs = this.#random.below(600);
      await clock.advance(stepMs);
      elapsedMs += stepMs;
      this.#act();
    }
    this.#isOver = true;
    if (this.#current?.process.isAlive !== true) this.#boot();
    for (let waitedMs = 0; waitedMs < calmMs && !(await this.#isQuiet()); waitedMs += 20_000)
      await clock.advance(20_000);
  }

  async #isQuiet(): Promise<boolean> {
    const [hotels, flights] = [await this.#world.totals("hotels"), await this.#world.totals("flights")];
    return hotels.held + flights.held + (await this.#world.active()).length === 0;
  }

  #act(): void {
    const [key, input] = this.#random.pick([...this.trips]);
    const { process, orchestrator } = this.#current ?? this.#boot();
    void orchestrator.run(trip, { key, input: { ...input } }).then((result) => this.reported.push({ key, result }));
    if (!this.#random.chance(0.12)) return;
    if (this.#random.chance(0.5)) process.die();
    else process.dieAtPoint(process.points + this.#random.below(30));
    this.#current = undefined;
    this.#world.clock.after(this.#random.below(3_000), () => process.die());
  }

  /** One process at a time: the one before has died, at the latest when this one starts. */
  #boot(): Started {
    this.#current?.process.die();
    this.#current = this.#world.boot({ protocol: this.#random.pick(["2pc", "saga", "auto"]) });
    void this.#current.orchestrator.start();
    return this.#current;
  }

  #fate(): Fate {
    if (this.#isOver || this.#random.chance(0.5)) return delivered;
    const copies = this.#random.pick([0, 1, 1, 1, 2, 3]);
    const delay = (): number => this.#random.pick([0, 5, 100, 800, 3_000, 12_000]) * this.#random.uniform();
    const deliverAfterMs = Array.from({ length: copies }, delay);
    return this.#random.chance(0.25) ? { deliverAfterMs } : { deliverAfterMs, replyAfterMs: delay() };
  }

  async #logFault(): Promise<void> {
    if (!this.#isOver && this.#random.chance(0.04)) throw new Error("the reply of the log was lost");
  }

  #trip(): Trip {
    const [hotel, flight] = [this.#random.pick(["h1", "h2"]), this.#random.pick(["f1", "f2"])];
    return { hotel, rooms: 1 + this.#random.below(3), flight, seats: 1 + this.#random.below(3) };
  }
}

async function survive(seed: number): Promise<{ committed: number; aborted: number }> {
  const world = new World({ seed, limits });
  for (const hotel of ["h1", "h2"]) await world.deposit("hotels", hotel, 4);
  for (const flight of ["f1", "f2"]) await world.deposit("flights", flight, 4);
  const storm = new Storm(world);
  await storm.run();
  await checkMoney(world, storm.trips);
  const count = { committed: 0, aborted: 0 };
  for (const { key, result } of storm.reported) {
    if (result.kind === "committed") {
      count.committed += 1;
      assert.equal((await world.row(key))?.outcome, "committed", `S5 ${key} was reported as committed`);
    } else if (result.kind === "aborted") {
      count.aborted += 1;
      const record = await world.record(result.txId);
      assert.equal(record?.state, "aborted", `S5 ${result.txId} was reported as aborted, but is ${record?.state}`);
    }
  }
  const alarms = world.seen("AlarmRaised");
  assert.deepEqual(alarms, [], "P2 inside the fault model nothing conflicts");
  return count;
}

test(`S1, S2, S4, S5, S7 under loss, duplication, delay, lost log replies and crashes, ${seeds} seeds`, async () => {
  const sum = { committed: 0, aborted: 0 };
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      const { committed, aborted } = await survive(seed);
      sum.committed += committed;
      sum.aborted += aborted;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  assert.ok(sum.committed > seeds && sum.aborted > seeds / 2, `both outcomes were met: ${JSON.stringify(sum)}`);
});
