// Announces one instance of a service, so that senders can prefer it. No safety depends on that: it only decides where
// a command is sent first.
import type { Clock, Timer } from "assent/internal/ports";
import { encodeAnnouncement } from "./announcement.ts";
import type { Connection } from "./connection.ts";

export interface PresenceOptions {
  readonly connection: Connection;
  /** Where instances of the service announce themselves. */
  readonly subject: string;
  readonly instance: string;
  readonly processName: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly onFailure: (work: string, error: unknown) => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #forget: () => void = () => undefined;
  #timer: Timer | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Announces the instance now, and repeatedly until it is stopped. */
  start(): void {
    this.#forget = this.#options.connection.onReconnected(() => this.#announce());
    this.#announce();
  }

  /** Announces that the instance takes no more commands. */
  stop(): void {
    this.#forget();
    this.#timer?.cancel();
    this.#publish(true);
  }

  #announce(): void {
    const { clock, everyMs } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(everyMs, () => this.#announce());
    this.#publish(false);
  }

  #publish(isLeaving: boolean): void {
    const { connection, subject, instance, processName, onFailure } = this.#options;
    // A message that is published without a connection is sent over the next one, when it would be out of date.
    if (!connection.isConnected) return;
    try {
      connection.nats.publish(subject, encodeAnnouncement({ instance, processName, isLeaving }));
    } catch (error) {
      onFailure(`announce ${instance}`, error);
    }
  }
}
