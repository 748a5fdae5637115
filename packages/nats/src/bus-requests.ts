// Requests between processes outside transactions: one instance of a service answers, or all do.
// Nothing is stored. Requests that `serve` answers are reads, so they are repeated while an instance is silent.
import type { Clock, Timer } from "assent/internal/ports";
import type { Msg } from "@nats-io/transport-node";
import type { Connection } from "./connection.ts";
import { isNoResponders } from "./dispatch.ts";
import type { NatsLimits } from "./limits.ts";
import type { ReplyInbox } from "./reply-inbox.ts";
import type { Subjects } from "./subjects.ts";

export type RequestHandler = (message: Uint8Array) => Promise<Uint8Array>;

export interface BusRequestsOptions {
  readonly connection: Connection;
  readonly replies: ReplyInbox;
  readonly clock: Clock;
  readonly limits: Pick<NatsLimits, "askAgainMs">;
  readonly subjects: Pick<Subjects, "requests" | "requestsToAll">;
  readonly onFailure: (work: string, error: unknown) => void;
}

export class BusRequests {
  readonly #options: BusRequestsOptions;

  constructor(options: BusRequestsOptions) {
    this.#options = options;
  }

  /**
   * The answer of one of the instances that serve the topic, or undefined when none came. An instance that has not
   * answered within `askAgainMs` may have stalled, or its answer may be lost. Then all instances are asked, repeatedly,
   * and the first answer counts. Never rejects.
   */
  ask(topic: string, message: Uint8Array, waitMs: number): Promise<Uint8Array | undefined> {
    const { connection, replies, clock, limits, subjects, onFailure } = this.#options;
    return new Promise((resolve) => {
      const timers: Timer[] = [];
      let isFirst = true;
      const end = (answer: Uint8Array | undefined): void => {
        for (const timer of timers) timer.cancel();
        reply.close();
        resolve(answer);
      };
      const reply = replies.open({
        answered(received) {
          if (!isNoResponders(received)) return end(received.data);
          // The broker reports at once that no instance serves the topic; later, an answer may be in transit.
          if (isFirst) end(undefined);
        },
      });
      const publish = (to: string): void => {
        try {
          if (connection.isConnected) connection.nats.publish(to, message, { reply: reply.answerSubject });
        } catch (error) {
          onFailure(`ask about ${topic}`, error);
        }
        timers.push(clock.after(limits.askAgainMs, again));
      };
      const again = (): void => {
        isFirst = false;
        publish(subjects.requestsToAll(topic));
      };
      timers.push(clock.after(waitMs, () => end(undefined)));
      publish(subjects.requests(topic));
    });
  }

  /**
   * Sends to all instances that serve the topic; collects answers until none has come for `quietMs`. Never rejects.
   */
  async askEach(topic: string, message: Uint8Array, quietMs: number): Promise<readonly Uint8Array[]> {
    const { connection, subjects, onFailure } = this.#options;
    const answers: Uint8Array[] = [];
    try {
      // The broker reports at once that no instance serves the topic; then there is no answer.
      const options = { strategy: "stall", stall: quietMs, maxWait: 10 * quietMs } as const;
      for await (const answer of await connection.nats.requestMany(subjects.requests(topic), message, options)) {
        answers.push(answer.data);
      }
    } catch (error) {
      onFailure(`ask all about ${topic}`, error);
    }
    return answers;
  }

  /**
   * Answers requests on the topic, shared with other instances. The handler must only read: one request may reach
   * several instances, and one instance several times. Resolves when the broker has the subscription.
   */
  async serve(topic: string, handler: RequestHandler): Promise<void> {
    const { connection, subjects } = this.#options;
    this.#subscribe(topic, handler, { subject: subjects.requests(topic), queue: subjects.requests(topic) });
    this.#subscribe(topic, handler, { subject: subjects.requestsToAll(topic) });
    await connection.nats.flush();
  }

  /** Answers requests sent to all instances. Resolves when the broker has the subscription. */
  async serveEach(topic: string, handler: RequestHandler): Promise<void> {
    const { connection, subjects } = this.#options;
    this.#subscribe(topic, handler, { subject: subjects.requests(topic) });
    await connection.nats.flush();
  }

  #subscribe(topic: string, handler: RequestHandler, at: { readonly subject: string; readonly queue?: string }): void {
    this.#options.connection.subscribe({
      ...at,
      work: `serve ${topic}`,
      received: (request) => void this.#answer(topic, handler, request),
    });
  }

  /** A failure, even of sending the answer, affects only this request. */
  async #answer(topic: string, handler: RequestHandler, request: Msg): Promise<void> {
    try {
      request.respond(await handler(request.data));
    } catch (error) {
      this.#options.onFailure(`serve ${topic}`, error);
    }
  }
}
