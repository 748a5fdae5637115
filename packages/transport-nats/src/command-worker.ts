// The serving side of one service in this process: hands messages to the endpoint, so many at a time, and counts what
// became of them. Nothing that comes in can stop it (M3).
import { defaultLimits, UndecodableMessage } from "@assent/protocol";
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
  /** Called with the answer, or with undefined when there is none. Must not throw. */
  readonly done: (answer: Uint8Array | undefined) => void;
}

export class CommandWorker {
  readonly #options: WorkerOptions;
  readonly #waiting: Work[] = [];
  readonly #counts = { answered: 0, dropped: 0, failed: 0, refused: 0 };
  #working = 0;
  #idle: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get counts(): WorkCounts {
    return { ...this.#counts };
  }

  /** How many more messages can be worked on at once. */
  get free(): number {
    return Math.max(0, this.#options.limits.concurrentMessagesMax - this.#working - this.#waiting.length);
  }

  /** Works on a message now, or when it is its turn; refuses it when too many wait already. Never throws. */
  take(work: Work): void {
    const { concurrentMessagesMax, waitingMessagesMax } = this.#options.limits;
    if (this.#working < concurrentMessagesMax) return void this.#work(work);
    if (this.#waiting.length < waitingMessagesMax) return void this.#waiting.push(work);
    this.#counts.refused += 1;
    work.done(undefined);
  }

  /** Resolves when nothing is worked on or waits. */
  idle(): Promise<void> {
    if (this.#working === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  async #work({ message, done }: Work): Promise<void> {
    this.#working += 1;
    const answer = await this.#answer(message);
    this.#working -= 1;
    done(answer);
    const next = this.#waiting.shift();
    if (next !== undefined) return this.#work(next);
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
