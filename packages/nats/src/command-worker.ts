// The serving side of one service in this process: hands messages to the endpoint, a limited number at a time, and
// counts the results. No incoming message can stop it (M3).
import { defaultLimits, UndecodableMessage } from "assent/internal/protocol";
import type { NatsLimits } from "./limits.ts";

/** Takes one message; returns the answer, or undefined if there is none. */
export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface WorkCounts {
  readonly answered: number;
  /** Too large, not decodable, or not answered by the endpoint: never handled again. */
  readonly dropped: number;
  /** The endpoint failed; the sender repeats the message if it needs an answer. */
  readonly failed: number;
  /** No room left in the queue. */
  readonly refused: number;
}

export interface WorkerOptions {
  readonly endpoint: Endpoint;
  readonly limits: NatsLimits;
  readonly onFailure: (error: unknown) => void;
}

/** A message, and the callback for its result. */
export interface Work {
  readonly message: Uint8Array;
  /**
   * Requested by this instance, no more than `free`. It goes before direct messages: many of those are second copies of
   * messages in a stream, and a stream that waited for them would never catch up.
   */
  readonly isAsked: boolean;
  /** Called with the answer, or with undefined if there is none. Must not throw. */
  readonly done: (answer: Uint8Array | undefined) => void;
}

export class CommandWorker {
  readonly #options: WorkerOptions;
  readonly #asked: Work[] = [];
  readonly #unasked: Work[] = [];
  readonly #counts = { answered: 0, dropped: 0, failed: 0, refused: 0 };
  #working = 0;
  /** Requested and not handled yet. */
  #askedOpen = 0;
  #idle: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get counts(): WorkCounts {
    return { ...this.#counts };
  }

  /**
   * How many more messages may be requested: as many as are handled at once; and, if direct messages wait, as many
   * again, which are then at hand when a slot is free.
   */
  get free(): number {
    const { concurrentMessagesMax } = this.#options.limits;
    const ahead = this.#unasked.length > 0 ? concurrentMessagesMax : 0;
    return Math.max(0, concurrentMessagesMax + ahead - this.#askedOpen);
  }

  /** Handles a message now or in its turn; refuses it if too many are waiting. Never throws. */
  take(work: Work): void {
    const { concurrentMessagesMax, waitingMessagesMax } = this.#options.limits;
    if (work.isAsked) this.#askedOpen += 1;
    if (this.#working < concurrentMessagesMax) return void this.#work(work);
    if (work.isAsked) return void this.#asked.push(work);
    if (this.#unasked.length < waitingMessagesMax) return void this.#unasked.push(work);
    this.#counts.refused += 1;
    work.done(undefined);
  }

  /** Resolves when nothing is being handled or waiting. */
  idle(): Promise<void> {
    if (this.#working === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  /** Handles one message and then those waiting for its slot; a loop, since it may be busy for a long time. */
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
