// Seeds many rows in chunks. Each chunk is a separate atomic step, so that other requests do not wait long. Seeding
// again replaces everything, so it can be repeated. An interrupted seeding reports its progress.
import { type Executor, type OnceKey, StoreFailure } from "assent/internal/engine";
import { type Call, runKeyed } from "./idempotency-key.ts";
import { Problem } from "./problem.ts";

/** Rows in one atomic step: every other step of the store waits for its commit. */
export const seedChunk = 2_000;
/** Running and waiting seedings of one service; more are refused. */
export const seedingsAtOnceMax = 1;
export const seedingsWaitingMax = 4;
const retryAfterMs = 1_000;

export interface Seeding<Input> {
  /** Such as `users`. */
  readonly things: string;
  readonly count: number;
  readonly call: (first: number, size: number) => Call<Input, null>;
}

/** The seedings of one service. */
export class Seedings {
  readonly #store: Executor;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #isStopping = false;

  constructor(store: Executor) {
    this.#store = store;
  }

  /**
   * A crash in the middle leaves the first chunks seeded and the request unanswered: seed again. With a key each chunk
   * is seeded once, whichever client repeats the request, so a repeat continues where the first one ended and undoes no
   * later change. @throws {Problem} {StoreFailure}
   */
  async seed<Input>(once: OnceKey | undefined, seeding: Seeding<Input>): Promise<void> {
    await this.#turn();
    try {
      await this.#seedInChunks(once, seeding);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** The running seeding ends after its current chunk, and reports its progress. */
  stop(): void {
    this.#isStopping = true;
  }

  async #turn(): Promise<void> {
    if (this.#running >= seedingsAtOnceMax) {
      if (this.#waiting.length >= seedingsWaitingMax) {
        const message = "Too many concurrent seedings. This one was not started, nothing was changed; try again later.";
        throw new Problem("overloaded", message, { retryAfterMs });
      }
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  async #seedInChunks<Input>(once: OnceKey | undefined, seeding: Seeding<Input>): Promise<void> {
    const { count, call } = seeding;
    for (let first = 0; first === 0 || first < count; first += seedChunk) {
      const size = Math.min(seedChunk, count - first);
      const so = { ...seeding, first, size, isKeyed: once !== undefined };
      if (this.#isStopping) throw cutOff(so, "service_unavailable", "the rest was not: the service is stopping");
      try {
        await runKeyed(this.#store, chunkKey(once, first), call(first, size));
      } catch (error) {
        // If the first chunk fails, its own error is complete.
        if (!(error instanceof StoreFailure) || first === 0) throw error;
        const rest = error.changed === "nothing" ? "the rest was not" : `the state of the next ${size} is not known`;
        throw cutOff(so, error.code, `${rest}: ${reasons[error.code]}`);
      }
    }
  }
}

/** Replaces the store's message, which is about one step: "nothing was changed" would be wrong for the whole. */
const reasons: Readonly<Record<StoreFailure["code"], string>> = {
  step_failed: "the store could not execute the step",
  store_full: "the store is full; free some space first",
  store_broken: "the store failed",
};

interface CutOff {
  readonly things: string;
  readonly count: number;
  readonly first: number;
  readonly isKeyed: boolean;
}

function cutOff({ things, count, first, isKeyed }: CutOff, code: Problem["code"], rest: string): Problem {
  const done =
    first === 0 ? `None of ${count} ${things} was seeded` : `The first ${first} of ${count} ${things} were seeded`;
  const advice = isKeyed ? "with the same Idempotency-Key to continue where it ended" : "to seed all of them";
  return new Problem(code, `${done}, ${rest}. Repeat the request ${advice}.`);
}

/**
 * The first chunk has the client's key: another request with it is refused before anything is changed. The others
 * have keys that no client can send, because they contain a space.
 */
function chunkKey(once: OnceKey | undefined, first: number): OnceKey | undefined {
  return once === undefined || first === 0 ? once : { ...once, key: `${once.key} ${first}` };
}
