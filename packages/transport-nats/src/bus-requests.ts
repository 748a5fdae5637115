// Requests between processes that are no part of a transaction: one instance of a service answers, or each does.
// Nothing is stored and nothing is sent twice: no answer is no answer.
import type { Msg } from "@nats-io/transport-node";
import type { Connection } from "./connection.ts";

export type RequestHandler = (message: Uint8Array) => Promise<Uint8Array>;

export interface BusRequestsOptions {
  readonly connection: Connection;
  /** Of a topic. */
  readonly subject: (topic: string) => string;
  readonly onFailure: (work: string, error: unknown) => void;
}

export class BusRequests {
  readonly #options: BusRequestsOptions;

  constructor(options: BusRequestsOptions) {
    this.#options = options;
  }

  /** The answer of one of those that serve the topic, or undefined when none came. Never rejects. */
  async ask(topic: string, message: Uint8Array, waitMs: number): Promise<Uint8Array | undefined> {
    const { connection, subject, onFailure } = this.#options;
    try {
      return (await connection.nats.request(subject(topic), message, { timeout: waitMs })).data;
    } catch (error) {
      onFailure(`ask about ${topic}`, error);
      return undefined;
    }
  }

  /**
   * Reaches all that serve the topic; the answers that come until there has been none for `quietMs`. Never rejects.
   */
  async askEach(topic: string, message: Uint8Array, quietMs: number): Promise<readonly Uint8Array[]> {
    const { connection, subject, onFailure } = this.#options;
    const answers: Uint8Array[] = [];
    try {
      // The broker says at once when nobody serves the topic; that is the answer of nobody.
      const options = { strategy: "stall", stall: quietMs, maxWait: 10 * quietMs } as const;
      for await (const answer of await connection.nats.requestMany(subject(topic), message, options)) {
        answers.push(answer.data);
      }
    } catch (error) {
      onFailure(`ask all about ${topic}`, error);
    }
    return answers;
  }

  /** Answers what is asked about the topic, shared with others that do. Resolves when the broker knows. */
  serve(topic: string, handler: RequestHandler): Promise<void> {
    return this.#subscribe(topic, handler, { queue: this.#options.subject(topic) });
  }

  /** Answers what is asked of each that serves the topic. Resolves when the broker knows. */
  serveEach(topic: string, handler: RequestHandler): Promise<void> {
    return this.#subscribe(topic, handler, {});
  }

  async #subscribe(topic: string, handler: RequestHandler, options: { readonly queue?: string }): Promise<void> {
    const { connection, subject } = this.#options;
    connection.subscribe({
      ...options,
      subject: subject(topic),
      work: `serve ${topic}`,
      received: (request) => void this.#answer(topic, handler, request),
    });
    await connection.nats.flush();
  }

  /** Whatever goes wrong, also in answering, is this request's and nobody else's. */
  async #answer(topic: string, handler: RequestHandler, request: Msg): Promise<void> {
    try {
      request.respond(await handler(request.data));
    } catch (error) {
      this.#options.onFailure(`serve ${topic}`, error);
    }
  }
}
