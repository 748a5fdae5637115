// Commands between services of one process, as encoded bytes through the real codec: what is sent in one turn of the
// event loop to one service leaves as one message, and comes back as one.
import {
  type Clock,
  type Destination,
  Gathering,
  mayWaitOf,
  type Transport,
  type Wait,
  waitMsOf,
} from "../ports/index.ts";
import {
  type Answer,
  type Command,
  type Decoded,
  decodeAnswers,
  defaultLimits,
  encodeCommands,
  isDecoded,
} from "../protocol/index.ts";

/** Takes one message of commands; answers one message of answers, or undefined. */
export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface MemoryTransportOptions {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly clock: Clock;
  /** Runs the callback after everything that is sent in this turn, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  /** How long a command that no caller waits for may be held to share a message; left out, it is sent at once. */
  readonly companyWaitMs?: number;
  /** Told what went wrong with a message; its commands are unanswered all the same. */
  readonly onFailure?: (service: string, error: unknown) => void;
}

interface Sent {
  readonly command: Command;
  readonly waitMs: number;
  readonly resolve: (answer: Answer | undefined) => void;
}

export class MemoryTransport implements Transport {
  readonly #options: MemoryTransportOptions;
  readonly #outboxes = new Map<string, Gathering<Sent>>();

  constructor(options: MemoryTransportOptions) {
    this.#options = options;
  }

  send({ service }: Destination, command: Command, wait: Wait): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      this.#outbox(service).add({ command, waitMs: waitMsOf(wait), resolve }, { mayWait: mayWaitOf(wait) });
    });
  }

  /** For an orderly stop: sends what is held back; from now on nothing is held back. */
  drain(): void {
    for (const outbox of this.#outboxes.values()) outbox.drain();
  }

  #outbox(service: string): Gathering<Sent> {
    let outbox = this.#outboxes.get(service);
    if (outbox === undefined) {
      const { clock, schedule, companyWaitMs = 0 } = this.#options;
      outbox = new Gathering({ send: (batch) => this.#deliver(service, batch), clock, schedule, companyWaitMs });
      this.#outboxes.set(service, outbox);
    }
    return outbox;
  }

  #deliver(service: string, batch: readonly Sent[]): void {
    const message = encodeCommands(batch.map((sent) => sent.command));
    if (message.byteLength > defaultLimits.messageBytesMax && batch.length > 1) {
      const middle = batch.length >>> 1;
      this.#deliver(service, batch.slice(0, middle));
      this.#deliver(service, batch.slice(middle));
      return;
    }
    void this.#exchange(service, message, batch);
  }

  async #exchange(service: string, message: Uint8Array, batch: readonly Sent[]): Promise<void> {
    const { endpoints, clock, onFailure } = this.#options;
    const settle = (answers: readonly Decoded<Answer>[]): void =>
      batch.forEach((sent, index) => {
        const answer = answers[index];
        const isAnswer = answer !== undefined && isDecoded(answer);
        if (answer !== undefined && !isAnswer) onFailure?.(service, answer);
        sent.resolve(isAnswer ? answer : undefined);
      });
    // One timer for each length of wait, which mostly is one for all.
    const timers = [...new Set(batch.map((sent) => sent.waitMs))].map((waitMs) =>
      clock.after(waitMs, () => batch.forEach((sent) => void (sent.waitMs === waitMs && sent.resolve(undefined)))),
    );
    try {
      const endpoint = endpoints[service];
      if (endpoint === undefined) throw new Error(`there is no service ${service}`);
      const reply = await endpoint(message);
      settle(reply === undefined ? [] : decodeAnswers(reply));
    } catch (error) {
      onFailure?.(service, error);
      settle([]);
    } finally {
      for (const timer of timers) timer.cancel();
    }
  }
}
