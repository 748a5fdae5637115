// The executor over a server that several processes share. Operations run here, on cached records; the server verifies
// their versions and applies the writes in one step, or returns the current records, and the steps run again
// (docs/adr/0009-optimistic-executor-over-redis.md). There is one batch in flight at a time, so steps requested
// meanwhile travel together. Steps with many reads run concurrently, each alone.
//
// Its correctness does not depend on the cache, nor on the number of concurrent rounds, here or in other processes: the
// version of a record is never reused for another text, so a round that verifies versions has verified the values.
import type { Clock } from "assent/internal/ports";
import {
  type Durability,
  Executor,
  type StepCall,
  stepsPerCommitMax,
  StoreClosed,
  StoreFailure,
} from "assent/internal/engine";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { Acknowledgement } from "./acknowledgement.ts";
import { BatchReads } from "./batch-reads.ts";
import { Batch } from "./batch.ts";
import { ReadSet } from "./read-set.ts";
import type { RedisExecutorOptions, RoundCounts } from "./executor-options.ts";
import { fail, type Lane, newLane, type PendingStep, type Prepared, type Verified } from "./lane.ts";
import { RecordCache } from "./record-cache.ts";
import { attemptsMax, cachedRecordsMax, readingsMax, sharedReadingsMax } from "./redis-limits.ts";
import { storeTimeErrorMaxMs, unreachableMaxMs } from "./redis-limits.ts";
import { RedisErrorReply, type RedisPort, type RedisReply, RepliesLost } from "./redis-port.ts";
import { Round } from "./round.ts";
import { ServerConnection, type ServerState } from "./server-connection.ts";
import { refusalOf } from "./server-refusal.ts";
import { StoreTime } from "./store-time.ts";
import { TableLayout } from "./table-layout.ts";
import { callScript, encodeCall, readVerdict } from "./verify-and-apply.ts";
import { readWanted } from "./wanted-reads.ts";

export class RedisExecutor extends Executor {
  readonly #options: RedisExecutorOptions;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #layout: TableLayout;
  readonly #cache: RecordCache;
  readonly #connection: ServerConnection;
  readonly #acknowledgement: Acknowledgement;
  readonly #unreachableMaxMs: number;
  /** Prefix of every version: unique to this process, also among its earlier runs. */
  readonly #process: string;
  readonly #running = new Set<Promise<void>>();
  /** The last write was refused, and none has succeeded since. */
  #refusesWrites = false;
  readonly #counts: RoundCounts = { rounds: 0, readings: 0, steps: 0, conflicts: 0, late: 0 };
  readonly #together = newLane(false);
  #queue: PendingStep[] = [];
  #isWorking = false;
  #isClosing = false;
  #lastRound = 0;

  private constructor(options: RedisExecutorOptions) {
    super();
    const { clock = systemClock, random = systemRandom, replicas = 0 } = options;
    const replicasLeast = options.replicasLeast ?? replicas;
    this.#options = options;
    this.#clock = clock;
    this.#acknowledgement = new Acknowledgement({ all: replicas, least: replicasLeast }, clock);
    this.#time = new StoreTime(clock);
    this.#layout = new TableLayout(options.prefix);
    const recordsMax = options.cachedRecordsMax ?? cachedRecordsMax;
    this.#cache = new RecordCache({ recordsMax, monotonic: () => clock.monotonic() });
    this.#unreachableMaxMs = options.unreachableMaxMs ?? unreachableMaxMs;
    this.#connection = new ServerConnection({
      connect: options.connect,
      replicas: replicasLeast,
      unreachableMaxMs: this.#unreachableMaxMs,
      clock,
      time: this.#time,
    });
    this.#process = random
      .name()
      .replaceAll(/[^0-9A-Za-z]/g, "")
      .slice(0, 12);
  }

  /**
   * Resolves when the connection is ready.
   * @throws {ServerUnreachable} {UnsuitableServer}
   */
  static async open(options: RedisExecutorOptions): Promise<RedisExecutor> {
    const executor = new RedisExecutor(options);
    await executor.#connection.port(executor.#clock.monotonic());
    return executor;
  }

  /** The durability of an answer of this store, as reported by the server when it was opened. */
  get durability(): Durability {
    return this.#connection.durability;
  }

  /** The current state of the server, as far as known. */
  get server(): ServerState {
    return this.#connection;
  }

  get counts(): Readonly<RoundCounts> {
    return this.#counts;
  }

  /** Closes the connection after all earlier steps; refuses later ones. */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#connection.close();
  }

  perform(call: StepCall): Promise<unknown> {
    if (this.#isClosing) return Promise.reject(new StoreClosed());
    return new Promise((resolve, reject) => {
      this.#counts.steps += 1;
      this.#queue.push({ ...call, resolve, reject, askedAt: this.#clock.monotonic(), attempts: 0 });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#track(this.#work());
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      // Steps requested in this turn join, including those of callers that have just been answered.
      await new Promise<void>(nextTurn);
      const steps = this.#queue.slice(0, stepsPerCommitMax);
      this.#queue = this.#queue.slice(stepsPerCommitMax);
      await this.#attempt(steps, this.#together);
    }
    this.#isWorking = false;
  }

  /** Tries steps once: afterwards each is answered, or waits for its next try. */
  async #attempt(steps: readonly PendingStep[], lane: Lane): Promise<void> {
    let port: RedisPort;
    try {
      port = await this.#connection.port(Math.min(...steps.map(({ askedAt }) => askedAt)));
    } catch (error) {
      this.#retry({ steps, lane, error });
      return;
    }
    try {
      const prepared = await this.#prepare(port, steps, lane);
      if (prepared !== undefined) await this.#commit(port, prepared);
    } catch (cause) {
      // A bug of this package: the waiting callers must get an error nevertheless.
      fail(steps, new StoreFailure("store_broken", `what was changed is not known: ${String(cause)}`, { cause }));
    }
    for (const step of lane.apart.splice(0)) this.#track(this.#attempt([step], newLane(true)));
  }

  /** Runs steps until they need nothing more from the server. */
  async #prepare(port: RedisPort, asked: readonly PendingStep[], lane: Lane): Promise<Prepared | undefined> {
    const reads = new BatchReads();
    const context = { layout: this.#layout, cache: this.#cache, carried: lane.carried, reads };
    lane.carried = new ReadSet();
    const madeAt = this.#time.monotonic();
    const now = this.#options.now?.() ?? this.#time.atArrival();
    let steps = asked;
    for (let readings = 0; steps.length > 0; readings += 1) {
      const { operations } = this.#options;
      const batch = new Batch({ ...context, operations, now, refusesWrites: this.#refusesWrites });
      const ran = batch.run(steps);
      if (ran < steps.length) {
        this.#queue = [...steps.slice(ran), ...this.#queue];
        steps = steps.slice(0, ran);
      }
      if (!reads.isWanting) return { lane, steps, batch, reads, now, madeAt };
      if (!lane.isAlone && readings === sharedReadingsMax) {
        reads.takeWanted();
        steps.forEach((step, index) => {
          if (batch.waiting.has(index)) lane.apart.push(step);
        });
        steps = steps.filter((_, index) => !batch.waiting.has(index));
      } else if (readings === readingsMax) {
        fail(
          steps,
          new StoreFailure("step_failed", `the step needs more than ${readingsMax} reads; nothing was changed`),
        );
        return undefined;
      } else {
        this.#counts.readings += 1;
        try {
          await readWanted(port, context);
        } catch (error) {
          this.#unread(port, { steps, lane, error });
          return undefined;
        }
      }
    }
    return undefined;
  }

  /** A read failed; nothing was changed. */
  #unread(
    port: RedisPort,
    { steps, lane, error }: { steps: readonly PendingStep[]; lane: Lane; error: unknown },
  ): void {
    const mayTryAgain =
      error instanceof RedisErrorReply ? refusalOf(error) === "elsewhere" : error instanceof RepliesLost;
    if (mayTryAgain) {
      this.#elsewhere(port, { steps, lane, error });
    } else {
      fail(steps, new StoreFailure("step_failed", `nothing was changed: ${String(error)}`, { cause: error }));
    }
  }

  async #commit(port: RedisPort, prepared: Prepared): Promise<void> {
    const { lane, steps, batch, reads, now, madeAt } = prepared;
    this.#lastRound += 1;
    const version = `${this.#process}.${this.#lastRound.toString(36)} `;
    const round = new Round(batch, { layout: this.#layout, reads, version });
    // C3, D2: a read-only answer must wait for the replicas, too.
    const touch = this.#acknowledgement.isWanted;
    if (round.isEmpty && !touch) {
      this.#settle(prepared, { round, differing: new Map(), isShort: false });
      return;
    }
    // A long read-only step has no time that could be wrong.
    const isTimed = this.#options.now === undefined && !(lane.isAlone && !round.writes(0));
    const command = encodeCall({
      assumed: isTimed ? String(now) : "",
      errorMaxMs: storeTimeErrorMaxMs,
      touch,
      touched: this.#layout.touched,
      groups: round.groups,
    });
    const sentAt = this.#time.monotonic();
    let reply: RedisReply;
    let acknowledged: RedisReply;
    try {
      this.#counts.rounds += 1;
      [reply, acknowledged] = await callScript(port, command, this.#acknowledgement.command);
    } catch (error) {
      this.#lost(port, { prepared, round, error });
      return;
    }
    if (reply instanceof RedisErrorReply) {
      this.#refused(port, { prepared, round, error: reply });
      return;
    }
    const verdict = readVerdict(reply);
    this.#time.observe(verdict.serverMs, sentAt);
    // A step alone may have spent long on reads before it was sent.
    if (!lane.isAlone) this.#time.arrived(verdict.serverMs, madeAt);
    if (verdict.kind === "late") {
      this.#counts.late += 1;
      this.#again(steps, lane);
      return;
    }
    const isShort = !(await this.#acknowledgement.isEnough(port, acknowledged));
    this.#settle(prepared, { round, differing: verdict.differing, isShort });
  }

  #settle({ lane, steps, batch }: Prepared, { round, differing, isShort }: Verified): void {
    const { refused, carried } = round.settle(differing, this.#cache);
    if (this.#refusesWrites) this.#refusesWrites = !steps.some((_, index) => round.writes(index));
    lane.carried = carried;
    const conflicting = steps.filter((_, index) => refused.has(batch.conflictGroupOf(index)));
    this.#counts.conflicts += conflicting.length;
    // Before any caller is answered: their next requests come after these.
    this.#again(conflicting, lane);
    const short = isShort
      ? new StoreFailure("store_broken", "a failover could undo it; what was changed is not known")
      : undefined;
    steps.forEach((step, index) => {
      if (refused.has(batch.conflictGroupOf(index))) return;
      const result = batch.results[index];
      if (short !== undefined) step.reject(short);
      else if (result instanceof StoreFailure) step.reject(result);
      else step.resolve(result);
    });
  }

  /** The server replied with an error. */
  #refused(
    port: RedisPort,
    { prepared, round, error }: { prepared: Prepared; round: Round; error: RedisErrorReply },
  ): void {
    const { lane } = prepared;
    const refusal = refusalOf(error);
    let steps = prepared.steps;
    const writers = steps.filter((_, index) => round.writes(index));
    if ((refusal === "full" || refusal === "refused") && writers.length > 0) {
      // A read-only step was refused because of writes in the same batch: it is run again without them.
      const readers = steps.filter((_, index) => !round.writes(index));
      if (readers.length > 0) this.#track(this.#attempt(readers, newLane(true)));
      steps = writers;
      this.#refusesWrites = true;
    }
    if (refusal === "elsewhere") {
      this.#elsewhere(port, { steps, lane, error });
    } else if (refusal === "unknown") {
      round.forget(this.#cache);
      fail(
        steps,
        new StoreFailure("store_broken", `what was changed is not known: ${error.message}`, { cause: error }),
      );
    } else {
      const code = refusal === "full" ? "store_full" : "step_failed";
      fail(
        steps,
        new StoreFailure(code, `the server refused; nothing was changed: ${error.message}`, { cause: error }),
      );
    }
  }

  /** This server accepts no steps now; nothing was changed: retry over another connection, as long as they may wait. */
  #elsewhere(
    port: RedisPort,
    { steps, lane, error }: { steps: readonly PendingStep[]; lane: Lane; error: unknown },
  ): void {
    this.#connection.retire(port);
    this.#retry({ steps, lane, error });
  }

  /** Nothing was changed: retry, as long as they may wait. */
  #retry({ steps, lane, error }: { steps: readonly PendingStep[]; lane: Lane; error: unknown }): void {
    const since = this.#clock.monotonic() - this.#unreachableMaxMs;
    fail(
      steps.filter(({ askedAt }) => askedAt <= since),
      new StoreFailure("step_failed", `no server answers; nothing was changed: ${String(error)}`, { cause: error }),
    );
    this.#again(
      steps.filter(({ askedAt }) => askedAt > since),
      lane,
    );
  }

  /** The connection ended before the reply: read-only steps are repeated, the others are unknown. */
  #lost(port: RedisPort, { prepared, round, error }: { prepared: Prepared; round: Round; error: unknown }): void {
    const { lane, steps, now } = prepared;
    this.#connection.retire(port);
    if (error instanceof RepliesLost && !error.sent) {
      this.#retry({ steps, lane, error });
      return;
    }
    round.forget(this.#cache);
    const unknown = steps.filter((_, index) => round.writes(index));
    this.#retry({ steps: steps.filter((_, index) => !round.writes(index)), lane, error });
    const message = `the reply was lost; what was changed is not known: ${String(error)}`;
    const failure = new StoreFailure("store_broken", message, { cause: error });
    // The round may still be in transit. After the time at which the server would refuse it as late, it has been
    // executed or never will be; only then are the callers answered, who may act on the current state.
    const restMs = this.#options.now === undefined ? now + storeTimeErrorMaxMs - this.#time.atLeast() + 1 : 0;
    this.#track(
      new Promise((resolve) => {
        this.#clock.after(restMs, () => {
          fail(unknown, failure);
          resolve();
        });
      }),
    );
  }

  /** Schedules steps for a retry, before all others. */
  #again(steps: readonly PendingStep[], lane: Lane): void {
    for (const step of steps) step.attempts += 1;
    const message = `gave up after ${attemptsMax} conflicts; nothing was changed. Try again later.`;
    fail(
      steps.filter(({ attempts }) => attempts >= attemptsMax),
      new StoreFailure("step_failed", message),
    );
    const rest = steps.filter(({ attempts }) => attempts < attemptsMax);
    if (rest.length === 0) return;
    if (lane.isAlone) {
      this.#track(this.#attempt(rest, lane));
    } else {
      this.#queue = [...rest, ...this.#queue];
      this.#wake();
    }
  }
}
