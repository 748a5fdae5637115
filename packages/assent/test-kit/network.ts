// A bus that promises nothing (M1): a test says what becomes of each message. Messages are encoded bytes.
import {
  type Destination,
  type Outage,
  type QuestionTransport,
  type Transport,
  type Wait,
  waitMsOf,
} from "../src/ports/index.ts";
import {
  type Answer,
  type Command,
  decoded,
  decodeAnswers,
  decodeQuestionAnswers,
  encodeCommands,
  encodeQuestions,
  type Question,
  type QuestionAnswer,
} from "../src/protocol/index.ts";
import type { VirtualClock } from "../src/testing/index.ts";

/** What becomes of one message: one delivery per delay (none: it is lost), and a reply after a delay, or none. */
export interface Fate {
  readonly deliverAfterMs: readonly number[];
  readonly replyAfterMs?: number;
}

export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface SentCommand extends Command {
  readonly service: string;
}

export const delivered: Fate = { deliverAfterMs: [1], replyAfterMs: 1 };
export const lost: Fate = { deliverAfterMs: [] };
/** The command arrives, its answer does not. */
export const unanswered: Fate = { deliverAfterMs: [1] };

export class Network implements Transport, QuestionTransport {
  readonly #clock: VirtualClock;
  readonly participants = new Map<string, Endpoint>();
  readonly coordinators = new Map<string, Endpoint>();
  /** Every command that was given to the bus, oldest first. */
  readonly sent: SentCommand[] = [];
  readonly asked: Question[] = [];
  outage: Outage | undefined;
  commandFate: (command: SentCommand) => Fate = () => delivered;
  questionFate: (question: Question) => Fate = () => delivered;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async send({ service }: Destination, command: Command, wait: Wait): Promise<Answer | undefined> {
    const item: SentCommand = { ...command, service };
    this.sent.push(item);
    const endpoint = this.participants.get(service);
    const exchange = {
      endpoint,
      message: encodeCommands([command]),
      fate: this.commandFate(item),
      waitMs: waitMsOf(wait),
    };
    const reply = await this.#exchange(exchange);
    return reply === undefined ? undefined : decoded(decodeAnswers(reply)[0]);
  }

  async ask(coordinator: string, question: Question, waitMs: number): Promise<QuestionAnswer | undefined> {
    this.asked.push(question);
    const endpoint = this.coordinators.get(coordinator);
    const fate = this.questionFate(question);
    const reply = await this.#exchange({ endpoint, message: encodeQuestions([question]), fate, waitMs });
    return reply === undefined ? undefined : decoded(decodeQuestionAnswers(reply)[0]);
  }

  /** Commands with this verb, in order, as "service verb". */
  verbs(...wanted: readonly string[]): string[] {
    return this.sent
      .filter(({ verb }) => wanted.length === 0 || wanted.includes(verb))
      .map(({ service, verb }) => `${service} ${verb}`);
  }

  /** The first reply to any delivery; undefined when none came in time. Late deliveries happen all the same. */
  #exchange(exchange: {
    endpoint: Endpoint | undefined;
    message: Uint8Array;
    fate: Fate;
    waitMs: number;
  }): Promise<Uint8Array | undefined> {
    const { endpoint, message, fate, waitMs } = exchange;
    return new Promise((resolve) => {
      const timer = this.#clock.after(waitMs, () => resolve(undefined));
      const answer = (reply: Uint8Array | undefined): void => {
        if (reply === undefined || fate.replyAfterMs === undefined) return;
        this.#clock.after(fate.replyAfterMs, () => {
          timer.cancel();
          resolve(reply);
        });
      };
      for (const delayMs of fate.deliverAfterMs) {
        this.#clock.after(delayMs, () => void endpoint?.(message).then(answer));
      }
    });
  }
}
