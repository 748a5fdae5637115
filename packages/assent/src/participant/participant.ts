// The service side of the protocol: takes command messages, answers them, and asks about what it has waited for.
import {
  type Answer,
  type Command,
  type Decoded,
  decisionVerb,
  decodeCommands,
  decodeOrigin,
  defaultLimits,
  encodeAnswers,
  isDecoded,
  type Limits,
  type Question,
  type QuestionAnswer,
  UndecodableMessage,
} from "../protocol/index.ts";
import type { BranchFailure, BranchStore } from "../ports/branch-store.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { type Observer, silentObserver } from "../ports/observer.ts";
import type { Random } from "../ports/random.ts";
import type { QuestionTransport } from "../ports/transport.ts";

/** Records looked at in one atomic step of a sweep. */
export const participantSweepMax = 1_000;

const noAnswer: Answer = { kind: "unknown", reason: "no_answer" };

export interface ParticipantOptions {
  readonly store: BranchStore;
  readonly questions: QuestionTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: Observer;
  readonly limits?: Limits;
}

export class Participant {
  readonly #store: BranchStore;
  readonly #questions: QuestionTransport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #limits: Limits;
  #timer: Timer | undefined;
  #stopped = false;
  #undecodable = 0;

  constructor(options: ParticipantOptions) {
    this.#store = options.store;
    this.#questions = options.questions;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#observer = options.observer ?? silentObserver;
    this.#limits = options.limits ?? defaultLimits;
  }

  /** Messages, and items of messages, dropped because they could not be decoded (M3). */
  get undecodable(): number {
    return this.#undecodable;
  }

  /** Answers one message of commands with one message of answers, or with undefined when it is none (M3, M4). */
  async handle(message: Uint8Array): Promise<Uint8Array | undefined> {
    let items: readonly Decoded<Command>[];
    try {
      items = decodeCommands(message);
    } catch (error) {
      if (!(error instanceof UndecodableMessage)) throw error;
      this.#dropped(error);
      return undefined;
    }
    const answers = (await this.#store.apply(items.filter(isDecoded), this.#failed)).values();
    return encodeAnswers(
      items.map((item) => (isDecoded(item) ? (answers.next().value ?? noAnswer) : this.#dropped(item))),
    );
  }

  #dropped(error: UndecodableMessage): Answer {
    this.#undecodable += 1;
    this.#observer.observe({ type: "BackgroundWorkFailed", work: "decode commands", error });
    return { kind: "unknown", reason: error.code };
  }

  readonly #failed = ({ command: { txId, branchId, verb }, error }: BranchFailure): void =>
    this.#observer.observe({ type: "HandlerFailed", txId, branchId, verb, error });

  /** Starts the periodic sweep. */
  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** One sweep: removes what may go and asks about what has waited too long (P6, P7). */
  async sweep(): Promise<void> {
    for (let more = true; more && !this.#stopped;) {
      const swept = await this.#store.sweep(participantSweepMax);
      await Promise.all(swept.questions.map((question) => this.#ask(question)));
      more = swept.more;
    }
  }

  /** One question that cannot be asked never keeps the others from being asked (R6). */
  async #ask(question: Question): Promise<void> {
    try {
      const { coordinator } = decodeOrigin(question.origin);
      const answer = await this.#questions.ask(coordinator, question, this.#limits.replyWaitMs);
      if (answer !== undefined) await this.#applyDecision(question, commandsOf(question, answer));
    } catch (error) {
      this.#observer.observe({ type: "BackgroundWorkFailed", work: `ask about ${question.txId}`, error });
    }
  }

  /** A branch forgets only what it has carried out; a decision that contradicts it is for an operator (P2). */
  async #applyDecision({ txId, branchId }: Question, commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      const [answer] = await this.#store.apply([command], this.#failed);
      if (answer?.kind === "done") continue;
      if (answer?.kind === "conflict") {
        const detail = JSON.stringify(answer);
        this.#observer.observe({ type: "AlarmRaised", txId, code: "conflict", branchId, detail });
      }
      return;
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    // Staggered (R7): many participants that started together do not ask together.
    const delayMs = this.#limits.sweepEveryMs * (0.5 + this.#random.uniform());
    this.#timer = this.#clock.after(delayMs, () => {
      this.sweep()
        .catch((error: unknown) => this.#observer.observe({ type: "BackgroundWorkFailed", work: "sweep", error }))
        .finally(() => this.#schedule());
    });
  }
}

/** A durable decision, applied like the command it stands for, fenced by the record's epoch (P6). */
function commandsOf(question: Question, answer: QuestionAnswer): readonly Command[] {
  if (answer.kind === "wait") return [];
  const { txId, branchId, protocol, begunAt } = question;
  const base = { txId, branchId, protocol, begunAt, epoch: answer.epoch };
  const decided: Command = { ...base, verb: decisionVerb(protocol, answer.decision) };
  return answer.ended ? [decided, { ...base, verb: "forget" }] : [decided];
}
