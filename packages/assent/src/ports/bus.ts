// The port between this process and others: what `serve` and `coordinator` need of a bus.
import type { Limits, Question, QuestionAnswer } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Observer } from "./observer.ts";
import type { QuestionTransport, Transport } from "./transport.ts";

export interface BusOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Limits;
}

/** Takes one message of commands; resolves with one message of answers, or with undefined for what is no message. */
export type CommandEndpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface BusConnection {
  readonly commands: Transport;
  readonly questions: QuestionTransport;
  /** Takes the commands of a service from now on. */
  serveCommands(service: string, endpoint: CommandEndpoint): Promise<void>;
  /** Answers the questions to a coordinator from now on. */
  serveQuestions(
    coordinator: string,
    answer: (question: Question) => Promise<QuestionAnswer | undefined>,
  ): Promise<void>;
  /** Takes nothing any more, and sends nothing. What is being handled is answered where that is still possible. */
  close(): Promise<void>;
}

export interface Bus {
  /** Rejects when the bus cannot be reached, or the options do not fit it. */
  connect(options: BusOptions): Promise<BusConnection>;
}
