// One subscription per process for all replies: each exchange has its own number.
import type { Msg, Subscription } from "@nats-io/nats-core";
import type { Connection } from "./connection.ts";

export interface ReplyListener {
  /** The answer of the service. */
  readonly answered: (message: Msg) => void;
  /** The broker's reply about a message to be stored. */
  readonly stored?: (message: Msg) => void;
}

export interface OpenReply {
  readonly answerSubject: string;
  readonly storedSubject: string;
  readonly close: () => void;
}

const storedToken = "stored";

export class ReplyInbox {
  readonly #connection: Connection;
  readonly #subject: string;
  readonly #listeners = new Map<string, ReplyListener>();
  #subscription: Subscription | undefined;
  #numbers = 0;
  #late = 0;

  constructor(connection: Connection, subject: string) {
    this.#connection = connection;
    this.#subject = subject;
    this.#subscribe();
  }

  /** Replies that came when no exchange waited any more. */
  get late(): number {
    return this.#late;
  }

  open(listener: ReplyListener): OpenReply {
    if (this.#subscription?.isClosed() === true) this.#subscribe();
    this.#numbers += 1;
    const number = this.#numbers.toString(36);
    this.#listeners.set(number, listener);
    const answerSubject = `${this.#subject}.${number}`;
    const storedSubject = `${answerSubject}.${storedToken}`;
    return { answerSubject, storedSubject, close: () => void this.#listeners.delete(number) };
  }

  #subscribe(): void {
    if (this.#connection.nats.isClosed()) return;
    this.#subscription = this.#connection.subscribe({
      subject: `${this.#subject}.>`,
      work: "replies",
      received: (message) => {
        const [number = "", kind] = message.subject.slice(this.#subject.length + 1).split(".");
        const listener = this.#listeners.get(number);
        if (kind === storedToken) listener?.stored?.(message);
        else if (listener === undefined) this.#late += 1;
        else listener.answered(message);
      },
    });
  }
}
