// The executor over a server that several processes share. Operations run here, on what this process believes; the
// server verifies the beliefs and applies the writes in one step, or tells what is there instead and the steps run
// again (docs/adr/0009-optimistic-executor-over-redis.md). There is one batch under way at a time, so steps that are
// asked for meanwhile travel together. Steps that need many readings go on beside it, each alone.
//
// It is right whatever the beliefs are, and with any number of rounds under way, in this process or in others: a
// record's stamp is written with one text only, so a round that verifies stamps has verified what its steps stood on.
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
import { Beliefs } from "./beliefs.ts";
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
  /** Begins every stamp: no other process, nor a former life of this one, writes the same. */
  readonly #process: string;
  readonly #running = new Set<Promise<void>>();
  /** The last write was, and none has been taken since. */
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
   * Resolves when the connection is warm.
   * @throws {ServerUnreachable} {UnsuitableServer}
   */
  static async open(options: RedisExecutorOptions): Promise<RedisExecutor> {
    const executor = new RedisExecutor(options);
    await executor.#connection.port(executor.#clock.monotonic());
    return executor;
  }

  /** What an answer of this store survives, as the server told when it was opened. */
  get durability(): Durability {
    return this.#connection.durability;
  }

  /** The current state of the server, as far as it is known. */
  get server(): ServerState {
    return this.#connection;
  }

  get counts(): Readonly<RoundCounts> {
    return this.#counts;
  }

  /** Closes the connection after everything that was asked for before; refuses what comes later. */
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
      // Everything that is asked for in this turn goes along, also by those who have just been answered.
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
      // A bug of this package: whoever waits must hear of it all the same.
      fail(steps, new StoreFailure("store_broken", `what was changed is not known: ${String(cause)}`, { cause }));
    }
    for (const step of lane.apart.splice(0)) this.#track(this.#attempt([step], newLane(true)));
  }

  /** Runs steps until they need nothing more from the server. */
  async #prepare(port: RedisPort, asked: readonly PendingStep[], lane: Lane): Promise<Prepared | undefined> {
    const reads = new BatchReads();
    const context = { layout: this.#layout, cache: this.#cache, carried: lane.carried, reads };
    lane.carried = new Beliefs();
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
        fail(steps, new StoreFailure("step_failed", `it needs more than ${readingsMax} readings; nothing was changed`));
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

  /** A reading failed; nothing was changed. */
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
    const stamp = `${this.#process}.${this.#lastRound.toString(36)} `;
    const round = new Round(batch, { layout: this.#layout, reads, stamp });
    // C3, D2: an answer that only reads must wait for the replicas, too.
    const touch = this.#acknowledgement.isWanted;
    if (round.isEmpty && !touch) {
      this.#settle(prepared, { round, differing: new Map(), isShort: false });
      return;
    }
    // A long reading that writes nothing has no time to be wrong about.
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
    // A step alone may have read for long before it was sent.
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
    const conflicting = steps.filter((_, index) => refused.has(batch.unitOf(index)));
    this.#counts.conflicts += conflicting.length;
    // Before anybody is answered: what they ask for next comes after these.
    this.#again(conflicting, lane);
    const short = isShort
      ? new StoreFailure("store_broken", "a failover could undo it; what was changed is not known")
      : undefined;
    steps.forEach((step, index) => {
      if (refused.has(batch.unitOf(index))) return;
      const result = batch.results[index];
      if (short !== undefined) step.reject(short);
      else if (result instanceof StoreFailure) step.reject(result);
      else step.resolve(result);
    });
  }

  /** The server answered with an error. */
  #refused(
    port: RedisPort,
    { prepared, round, error }: { prepared: Prepared; round: Round; error: RedisErrorReply },
  ): void {
    const { lane } = prepared;
    const refusal = refusalOf(error);
    let steps = prepared.steps;
    const writers = steps.filter((_, index) => round.writes(index));
    if ((refusal === "full" || refusal === "refused") && writers.length > 0) {
      // A step that only reads was refused because of writes in the same batch: it is run again without them.
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

  /** This server does not take steps now, nothing was changed: over another connection, as long as they may wait. */
  #elsewhere(
    port: RedisPort,
    { steps, lane, error }: { steps: readonly PendingStep[]; lane: Lane; error: unknown },
  ): void {
    this.#connection.retire(port);
    this.#retry({ steps, lane, error });
  }

  /** Nothing was changed: once more, as long as they may wait. */
  #retry({ steps, lane, error }: { steps: readonly PendingStep[]; lane: Lane; error: unknown }): void {
    const since = this.#clock.monotonic() - this.#unreachableMaxMs;
    fail(
      steps.filter(({ askedAt }) => askedAt <= since),
      new StoreFailure("step_failed", `no server answers it; nothing was changed: ${String(error)}`, { cause: error }),
    );
    this.#again(
      steps.filter(({ askedAt }) => askedAt > since),
      lane,
    );
  }

  /** The connection ended before the reply: what only read is asked again, the rest is unknown. */
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
    const message = `the answer was lost; what was changed is not known: ${String(error)}`;
    const failure = new StoreFailure("store_broken", message, { cause: error });
    // The round may still lie somewhere on its way. Once the server would refuse it as late, it has been carried out
    // or never will be; only then is anybody told, who may act on what is there.
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

  /** Has steps tried again, before all others. */
  #again(steps: readonly PendingStep[], lane: Lane): void {
    for (const step of steps) step.attempts += 1;
    const message = `it was tried ${attemptsMax} times and others were always faster; nothing was changed. Try later.`;
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
