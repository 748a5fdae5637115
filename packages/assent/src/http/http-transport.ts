// Sends commands and questions over HTTP: each message is one POST, and its reply is the answer.
import {
  type Clock,
  type Destination,
  type Exchange,
  Outbox,
  type QuestionTransport,
  type Transport,
  type Wait,
} from "../ports/index.ts";
import {
  type Answer,
  type Command,
  decodeAnswers,
  decodeQuestionAnswers,
  defaultLimits,
  encodeCommands,
  encodeQuestions,
  type Question,
  type QuestionAnswer,
} from "../protocol/index.ts";
import { boundedBody } from "./bounded-body.ts";
import { type HttpCredentials, type Seal, sealOf, type Subject } from "./seal.ts";

export interface HttpTransportOptions {
  /** Where each service and each coordinator is, by its name: the URL that its handler is mounted at. */
  readonly urls: Readonly<Record<string, string | URL>>;
  readonly credentials: HttpCredentials;
  readonly clock: Clock;
  /** Runs the callback after everything that is sent in this turn, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  /** How long a command that no caller waits for may be held to share a message; left out, it is sent at once. */
  readonly companyWaitMs?: number;
  /** Called with what went wrong with a message; its items are unanswered all the same. */
  readonly onFailure?: (work: string, error: unknown) => void;
}

/** A service did not answer a message, or answered what is no reply. `code` is stable. What it did is not known. */
export class HttpUnanswered extends Error {
  readonly code = "http_unanswered";

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`${url} did not answer: ${reason}. Its commands are sent again.`, options);
    this.name = "HttpUnanswered";
  }
}

export class HttpTransport implements Transport, QuestionTransport {
  readonly #options: HttpTransportOptions;
  readonly #seal: Seal;
  readonly #commands: Outbox<Command, Answer>;
  readonly #questions: Outbox<Question, QuestionAnswer>;

  /** @throws {RangeError} for credentials that are too short; {TypeError} for a URL that is none */
  constructor(options: HttpTransportOptions) {
    for (const url of Object.values(options.urls)) void new URL(url);
    const { clock, schedule, companyWaitMs = 0 } = options;
    this.#options = options;
    this.#seal = sealOf(options.credentials);
    const shared = {
      clock,
      schedule,
      messageBytesMax: () => defaultLimits.messageBytesMax,
      onFailure: (work: string, error: unknown) => options.onFailure?.(work, error),
    };
    this.#commands = new Outbox({
      ...shared,
      codec: { encode: encodeCommands, decode: decodeAnswers },
      exchange: (exchange) => this.#exchange("commands", exchange),
      companyWaitMs,
    });
    this.#questions = new Outbox({
      ...shared,
      codec: { encode: encodeQuestions, decode: decodeQuestionAnswers },
      exchange: (exchange) => this.#exchange("questions", exchange),
    });
  }

  send({ service }: Destination, command: Command, wait: Wait): Promise<Answer | undefined> {
    return this.#commands.send(service, command, wait);
  }

  ask(coordinator: string, question: Question, waitMs: number): Promise<QuestionAnswer | undefined> {
    return this.#questions.send(coordinator, question, waitMs);
  }

  /** For an orderly stop: sends what is held back; from now on nothing is held back. */
  drain(): void {
    this.#commands.drain();
  }

  #exchange(kind: Subject["kind"], exchange: Exchange<unknown>): () => void {
    const controller = new AbortController();
    const { address: name, message, answered, unanswered } = exchange;
    this.#post({ kind, name }, message, controller.signal).then(
      (reply) => {
        if (!controller.signal.aborted) answered(reply);
      },
      (error: unknown) => {
        // Nobody waits any more: the coordinator has counted the silence already.
        if (controller.signal.aborted) return;
        this.#options.onFailure?.(`send ${kind} to ${name}`, error);
        unanswered();
      },
    );
    return () => controller.abort();
  }

  /** @throws {HttpUnanswered} */
  async #post(subject: Subject, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const base = this.#options.urls[subject.name];
    if (base === undefined) throw new HttpUnanswered(subject.name, "it has no URL among the `urls` of this transport");
    const url = `${String(base).replace(/\/$/, "")}/${subject.kind}/${encodeURIComponent(subject.name)}`;
    const sealed = await this.#seal.request(subject, message, this.#options.clock.now());
    const headers = new Headers({ "content-type": "application/json", ...sealed });
    const body = Uint8Array.from(message);
    try {
      // A redirect would carry the credentials to another place.
      const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
      const reply = await boundedBody(response.body, defaultLimits.messageBytesMax);
      if (reply === undefined) throw new HttpUnanswered(url, `more than ${defaultLimits.messageBytesMax} bytes`);
      if (response.status !== 200) throw new HttpUnanswered(url, `status ${response.status}: ${shown(reply)}`);
      if (await this.#seal.isReply(headers, reply, response.headers)) return reply;
      throw new HttpUnanswered(url, "the signature of the reply is not valid");
    } catch (error) {
      if (error instanceof HttpUnanswered) throw error;
      throw new HttpUnanswered(url, String((error as Error).cause ?? error), { cause: error });
    }
  }
}

const shownLength = 200;
const shown = (reply: Uint8Array): string => new TextDecoder().decode(reply).slice(0, shownLength);
