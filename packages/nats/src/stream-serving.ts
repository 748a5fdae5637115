// Commands from the stream of a service: this instance requests as many as it can handle, answers each, and only then
// acknowledges it. Anything the broker loses, including stream and consumer, is created again, with retries.
import { backoffMs } from "assent/internal/coordinator";
import { type Clock, type Random, type Timer } from "assent/internal/ports";
import { defaultLimits } from "assent/internal/protocol";
import { type Msg, nanos, type Subscription } from "@nats-io/nats-core";
import type { CommandWorker } from "./command-worker.ts";
import type { Connection } from "./connection.ts";
import { publishAnswer } from "./core-serving.ts";
import { replyHeader } from "./dispatch.ts";
import type { Serving, ServingStatus } from "./serving.ts";
import { ensureStream, type StreamSetup } from "./stream-setup.ts";

export interface StreamServingOptions {
  readonly connection: Connection;
  readonly setup: StreamSetup;
  /** Used by this process and service only. */
  readonly inbox: string;
  readonly worker: CommandWorker;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailure: (work: string, error: unknown) => void;
}

/** A fetch request: how many of its messages are still to come. */
interface Pull {
  readonly number: number;
  readonly timer: Timer;
  left: number;
}

const acknowledgement = "+ACK";
/** The broker's status for an expired request. */
const pullExpired = 408;

export class StreamServing implements Serving {
  readonly #options: StreamServingOptions;
  readonly #forget: () => void;
  #subscription: Subscription | undefined;
  #pull: Pull | undefined;
  #pulls = 0;
  #pullEnds: () => void = () => undefined;
  #retry: Timer | undefined;
  #isSettingUp = false;
  #isStopped = false;
  #problem: string | undefined = "not set up yet";
  #readied: (() => void)[] = [];

  constructor(options: StreamServingOptions) {
    this.#options = options;
    this.#forget = options.connection.onReconnected(() => void this.#setUp());
    void this.#setUp();
  }

  /** Resolves when commands reach this instance, for the first time. */
  ready(): Promise<void> {
    if (this.#problem === undefined || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => void this.#readied.push(resolve));
  }

  status(): ServingStatus {
    const { setup, worker, connection } = this.#options;
    return {
      service: setup.service,
      ready: connection.isConnected && this.#problem === undefined,
      ...(this.#problem !== undefined && { problem: this.#problem }),
      counts: worker.counts,
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#forget();
    this.#retry?.cancel();
    this.#isReady();
    // Messages for a fetch request go only to this process, so its end is awaited: then nothing is in transit.
    if (this.#pull !== undefined) await new Promise<void>((resolve) => (this.#pullEnds = resolve));
    if (this.#subscription !== undefined) await this.#options.connection.unsubscribe(this.#subscription);
    await this.#options.worker.idle();
  }

  get #work(): string {
    return `serve ${this.#options.setup.service}`;
  }

  /** Creates subscription, stream and consumer, retrying until they exist, and requests messages. */
  async #setUp(): Promise<void> {
    // The broker has forgotten earlier requests, or will.
    this.#endPull();
    this.#problem ??= "the stream is being set up";
    if (this.#isSettingUp) return;
    this.#isSettingUp = true;
    for (let tries = 1; !this.#isStopped; tries += 1) {
      try {
        if (!this.#options.connection.isConnected) throw new Error("no connection to the broker");
        if (this.#subscription === undefined || this.#subscription.isClosed()) this.#subscription = this.#subscribe();
        await ensureStream(this.#options.connection.nats, this.#options.setup);
        break;
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error);
        this.#options.onFailure(this.#work, error);
        await this.#pause(tries);
      }
    }
    this.#isSettingUp = false;
    if (this.#isStopped) return;
    this.#problem = undefined;
    this.#isReady();
    this.#ask();
  }

  #isReady(): void {
    for (const resolve of this.#readied) resolve();
    this.#readied = [];
  }

  #pause(tries: number): Promise<void> {
    const { clock, random, setup } = this.#options;
    const { setupRetryFirstMs: retryFirstMs, setupRetryMaxMs: retryMaxMs } = setup.limits;
    const delayMs = backoffMs(tries, { ...defaultLimits, retryFirstMs, retryMaxMs }, random.uniform());
    return new Promise((resolve) => {
      this.#retry = clock.after(delayMs, resolve);
    });
  }

  #subscribe(): Subscription {
    const { connection, inbox } = this.#options;
    return connection.subscribe({
      subject: `${inbox}.*`,
      work: this.#work,
      received: (message) => {
        if (message.subject.startsWith(`${inbox}.`)) this.#pullEnded(message);
        else this.#deliver(message);
      },
    });
  }

  /** Requests as many messages as can be handled, unless that was already done. */
  #ask(): void {
    const { connection, setup, worker, clock, inbox, onFailure } = this.#options;
    const { limits, subjects, service } = setup;
    if (this.#pull !== undefined || this.#problem !== undefined || this.#isStopped || worker.free === 0) return;
    this.#pulls += 1;
    const number = this.#pulls;
    const timer = clock.after(limits.pullExpiresMs + limits.pullGraceMs, () => this.#lost(number, "no status"));
    this.#pull = { number, timer, left: worker.free };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${subjects.stream(service)}.${subjects.consumer(service)}`;
    const request = JSON.stringify({ batch: this.#pull.left, expires: nanos(limits.pullExpiresMs) });
    try {
      connection.nats.publish(subject, request, { reply: `${inbox}.${number}` });
    } catch (error) {
      onFailure(this.#work, error);
    }
  }

  #endPull(): void {
    this.#pull?.timer.cancel();
    this.#pull = undefined;
    this.#pullEnds();
  }

  /** The broker reports that a request gets no more messages. */
  #pullEnded({ subject, headers }: Msg): void {
    const number = Number(subject.slice(subject.lastIndexOf(".") + 1));
    if (headers?.code !== pullExpired) return this.#lost(number, headers?.description ?? "no reason given");
    if (this.#pull?.number !== number) return;
    this.#endPull();
    this.#ask();
  }

  /** A request failed: stream or consumer may be gone. */
  #lost(number: number, reason: string): void {
    if (this.#pull?.number !== number) return;
    this.#endPull();
    if (this.#isStopped) return;
    this.#problem = `the broker ended a fetch request: ${reason}`;
    const { clock, setup } = this.#options;
    this.#retry = clock.after(setup.limits.setupRetryFirstMs, () => void this.#setUp());
  }

  #deliver(received: Msg): void {
    const { connection, setup, worker, onFailure } = this.#options;
    if (this.#pull !== undefined) {
      this.#pull.left -= 1;
      if (this.#pull.left === 0) this.#endPull();
    }
    const failed = (error: unknown): void => onFailure(this.#work, error);
    const acknowledge = (): void => {
      try {
        received.respond(acknowledgement);
      } catch (error) {
        failed(error);
      }
    };
    // A message whose process died at every delivery so far is not delivered again (M3).
    const isLast = deliveryOf(received.reply) >= setup.limits.deliveriesMax;
    if (isLast) acknowledge();
    const subject = replySubjectOf(received, failed);
    worker.take({
      message: received.data,
      isAsked: true,
      done: (answer) => {
        if (answer !== undefined && subject !== "") publishAnswer({ connection, subject, answer, failed });
        if (!isLast) acknowledge();
        this.#ask();
      },
    });
    this.#ask();
  }
}

/** Where the answer goes: nowhere if the headers are missing or unreadable (M3). */
function replySubjectOf(received: Msg, failed: (error: unknown) => void): string {
  try {
    return received.headers?.get(replyHeader) ?? "";
  } catch (error) {
    failed(error);
    return "";
  }
}

/** The delivery count of a message, from 1, read from the subject of its acknowledgement. */
export function deliveryOf(reply: string | undefined): number {
  // $JS.ACK.<stream>.<consumer>.<delivery>.… or, with newer brokers, $JS.ACK.<domain>.<account>.<stream>.<consumer>.…
  const tokens = reply?.split(".") ?? [];
  return Number(tokens[tokens.length === 9 ? 4 : 6] ?? 1);
}
