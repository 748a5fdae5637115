// Commands or questions directly from their senders, shared by a queue group: nothing is stored.
import type { Subscription } from "@nats-io/nats-core";
import { type CommandWorker } from "./command-worker.ts";
import type { Connection } from "./connection.ts";
import type { Serving, ServingStatus } from "./serving.ts";

export interface CoreServingOptions {
  readonly connection: Connection;
  readonly service: string;
  readonly subject: string;
  /** Shares messages with other subscribers of the same queue; default: this one gets all messages. */
  readonly queue?: string;
  readonly worker: CommandWorker;
  readonly onFailure: (work: string, error: unknown) => void;
}

export class CoreServing implements Serving {
  readonly #options: CoreServingOptions;
  #subscription: Subscription;
  readonly #forget: () => void;

  constructor(options: CoreServingOptions) {
    this.#options = options;
    this.#subscription = this.#subscribe();
    // The client subscribes again by itself, unless the broker has refused.
    this.#forget = options.connection.onReconnected(() => {
      if (this.#subscription.isClosed()) this.#subscription = this.#subscribe();
    });
  }

  /** Resolves when the broker knows the subscription. */
  async ready(): Promise<void> {
    const { connection, onFailure, service } = this.#options;
    await connection.nats.flush().catch((error: unknown) => onFailure(`serve ${service}`, error));
  }

  status(): ServingStatus {
    const { service, worker, connection } = this.#options;
    const problem = this.#subscription.isClosed() ? "the broker refuses the subscription" : undefined;
    return {
      service,
      ready: connection.isConnected && problem === undefined,
      ...(problem !== undefined && { problem }),
      counts: worker.counts,
    };
  }

  async stop(): Promise<void> {
    this.#forget();
    await this.#options.connection.unsubscribe(this.#subscription);
    await this.#options.worker.idle();
  }

  #subscribe(): Subscription {
    const { connection, service, subject, queue, worker, onFailure } = this.#options;
    const work = `serve ${service}`;
    return connection.subscribe({
      subject,
      ...(queue !== undefined && { queue }),
      work,
      received({ reply, data }) {
        worker.take({
          message: data,
          isAsked: false,
          done(answer) {
            if (answer === undefined || reply === undefined || reply === "") return;
            publishAnswer({ connection, subject: reply, answer, failed: (error) => onFailure(work, error) });
          },
        });
      },
    });
  }
}

export interface AnswerToPublish {
  readonly connection: Connection;
  readonly subject: string;
  readonly answer: Uint8Array;
  readonly failed: (error: unknown) => void;
}

/** Never throws: an answer that cannot be sent counts as lost. */
export function publishAnswer({ connection, subject, answer, failed }: AnswerToPublish): void {
  try {
    connection.nats.publish(subject, answer);
  } catch (error) {
    failed(error);
  }
}
