// Commands between services of one process, as encoded bytes through the real codec.
import { type Clock, type Destination, type Exchange, Outbox, type Transport, type Wait } from "../ports/index.ts";
import { type Answer, type Command, decodeAnswers, defaultLimits, encodeCommands } from "../protocol/index.ts";

/** Takes one message of commands; answers one message of answers, or undefined. */
export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface MemoryTransportOptions {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly clock: Clock;
  /** Runs the callback after everything that is sent in this turn, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  /** How long a command that no caller waits for may be held to share a message; left out, it is sent at once. */
  readonly companyWaitMs?: number;
  /** Called with what went wrong with a message; its commands are unanswered all the same. */
  readonly onFailure?: (service: string, error: unknown) => void;
}

export class MemoryTransport implements Transport {
  readonly #options: MemoryTransportOptions;
  readonly #outbox: Outbox<Command, Answer>;

  constructor(options: MemoryTransportOptions) {
    const { clock, schedule, companyWaitMs = 0, onFailure } = options;
    this.#options = options;
    this.#outbox = new Outbox({
      codec: { encode: encodeCommands, decode: decodeAnswers },
      clock,
      schedule,
      companyWaitMs,
      messageBytesMax: () => defaultLimits.messageBytesMax,
      exchange: (exchange) => this.#exchange(exchange),
      onFailure: (_work, error, address) => onFailure?.(address, error),
    });
  }

  send({ service }: Destination, command: Command, wait: Wait): Promise<Answer | undefined> {
    return this.#outbox.send(service, command, wait);
  }

  /** For an orderly stop: sends what is held back; from now on nothing is held back. */
  drain(): void {
    this.#outbox.drain();
  }

  #exchange({ address, message, answered, unanswered }: Exchange<Command>): () => void {
    let isOver = false;
    const end = (reply: Uint8Array | undefined): void => {
      if (isOver) return;
      if (reply === undefined) unanswered();
      else answered(reply);
    };
    this.#asked(address, message).then(end, (error: unknown) => {
      this.#options.onFailure?.(address, error);
      end(undefined);
    });
    return () => void (isOver = true);
  }

  async #asked(service: string, message: Uint8Array): Promise<Uint8Array | undefined> {
    const endpoint = this.#options.endpoints[service];
    if (endpoint === undefined) throw new Error(`there is no service ${service}`);
    return endpoint(message);
  }
}
