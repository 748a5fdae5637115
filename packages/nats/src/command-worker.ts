// The serving side of one service in this process: hands messages to the endpoint, so many at a time, and counts what
// became of them. Nothing that comes in can stop it (M3).
import { defaultLimits, UndecodableMessage } from "assent/internal/protocol";
import type { NatsLimits } from "./limits.ts";

/** Takes one message; answers one message, or undefined when there is nothing to say. */
export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface WorkCounts {
  readonly answered: number;
  /** Too large, not decodable, or not answered by the endpoint: never handled again. */
  readonly dropped: number;
  /** The endpoint failed; whoever waits for an answer sends it again. */
  readonly failed: number;
  /** No place left to wait in. */
  readonly refused: number;
}

export interface WorkerOptions {
  readonly endpoint: Endpoint;
  readonly limits: NatsLimits;
  readonly onFailure: (error: unknown) => void;
}

/** A message and what is to be done when it was handled. */
export interface Work {
  readonly message: Uint8Array;
  /**
   * Asked for by this instance, no more than `free`. It goes before what came unasked: much of that are second copies
   * of what waits in a stream, and a stream that waited for them would never catch up.
   */
  readonly isAsked: boolean;
  /** Called with the answer, or with undefined when there is none. Must not throw. */
  readonly done: (answer: Uint8Array | undefined) => void;
}

export class CommandWorker {
  readonly #options: WorkerOptions;
  readonly #asked: Work[] = [];
  readonly #unasked: Work[] = [];
  readonly #counts = { answered: 0, dropped: 0, failed: 0, refused: 0 };
  #working = 0;
  /** Asked for, and not handled yet. */
  #askedOpen = 0;
  #idle: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get counts(): WorkCounts {
    return { ...this.#counts };
  }

  /**
   * How many more messages may be asked for: as many as are worked on at once; and, where others that came unasked
   * wait, as many again, which are at hand before those when a place is free.
   */
  get free(): number {
    const { concurrentMessagesMax } = this.#options.limits;
    const ahead = this.#unasked.length > 0 ? concurrentMessagesMax : 0;
    return Math.max(0, concurrentMessagesMax + ahead - this.#askedOpen);
  }

  /** Works on a message now, or when it is its turn; refuses it when too many wait already. Never throws. */
  take(work: Work): void {
    const { concurrentMessagesMax, waitingMessagesMax } = this.#options.limits;
    if (work.isAsked) this.#askedOpen += 1;
    if (this.#working < concurrentMessagesMax) return void this.#work(work);
    if (work.isAsked) return void this.#asked.push(work);
    if (this.#unasked.length < waitingMessagesMax) return void this.#unasked.push(work);
    this.#counts.refused += 1;
    work.done(undefined);
  }

  /** Resolves when nothing is worked on or waits. */
  idle(): Promise<void> {
    if (this.#working === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  /** Works on one message and on whatever waits for its place; a loop, since it may go on for as long as it is busy. */
  async #work(first: Work): Promise<void> {
    this.#working += 1;
    for (let work: Work | undefined = first; work !== undefined; work = this.#asked.shift() ?? this.#unasked.shift()) {
      const answer = await this.#answer(work.message);
      if (work.isAsked) this.#askedOpen -= 1;
      work.done(answer);
    }
    this.#working -= 1;
    if (this.#working > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }

  async #answer(message: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      if (message.byteLength > defaultLimits.messageBytesMax) {
        throw new UndecodableMessage(`message of ${message.byteLength} bytes is too large`);
      }
      const answer = await this.#options.endpoint(message);
      if (answer === undefined) this.#counts.dropped += 1;
      else this.#counts.answered += 1;
      return answer;
    } catch (error) {
      if (error instanceof UndecodableMessage) this.#counts.dropped += 1;
      else this.#counts.failed += 1;
      this.#options.onFailure(error);
      return undefined;
    }
  }
}
