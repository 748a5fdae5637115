// Answers branches that ask about the outcome of their transaction (P6, R5).
import {
  decisionOf,
  type Decoded,
  decoded,
  decodeOrigin,
  decodeQuestions,
  encodeQuestionAnswers,
  invariant,
  isDecoded,
  isEnded,
  isTooFarAhead,
  type Question,
  type QuestionAnswer,
  type TransactionRecord,
} from "../protocol/index.ts";
import { ofAnother } from "./recovery.ts";
import type { DriverEnvironment } from "./transaction-driver.ts";

export class QuestionDesk {
  readonly #environment: DriverEnvironment;
  /** R5: rebuilds a record that the log has lost; undefined where this process cannot. */
  readonly #rebuild: (question: Question) => Promise<TransactionRecord | undefined>;

  constructor(environment: DriverEnvironment, rebuild: (question: Question) => Promise<TransactionRecord | undefined>) {
    this.#environment = environment;
    this.#rebuild = rebuild;
  }

  /** One message of answers to one message of questions, or undefined when it cannot be decoded (M3). */
  async handle(message: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const questions = decodeQuestions(message);
      return encodeQuestionAnswers(await Promise.all(questions.map((item) => this.#answerOrWait(item))));
    } catch (error) {
      this.#environment.observer.observe({ type: "BackgroundWorkFailed", work: "answer questions", error });
      return undefined;
    }
  }

  async answer(question: Question): Promise<QuestionAnswer> {
    const isCredible = !isTooFarAhead(question, this.#environment.clock.now());
    invariant(isCredible, "M3", `a question about ${question.txId} is too far ahead of the clock`);
    const record = (await this.#environment.log.read(question.txId)) ?? (await this.#rebuild(question));
    if (record === undefined || this.#isOfAnother(record, question)) return { kind: "wait" };
    const decision = decisionOf(record);
    if (decision === undefined) return { kind: "wait" };
    const ended = isEnded(record) && this.#isKept(record);
    // An end never changes, so its answer must not be fenced off by an epoch whose record the log has lost.
    const epoch = ended ? Math.max(record.epoch, question.epoch) : record.epoch;
    return { kind: "decided", decision, epoch, ended };
  }

  /** A question that cannot be answered now, for any reason, does not affect the others in its message (M4, R6). */
  async #answerOrWait(item: Decoded<Question>): Promise<QuestionAnswer> {
    try {
      return await this.answer(decoded(item));
    } catch (error) {
      const work = isDecoded(item) ? `answer about ${item.txId}` : "decode a question";
      this.#environment.observer.observe({ type: "BackgroundWorkFailed", work, error });
      return { kind: "wait" };
    }
  }

  /** Whether another definition has taken the key since the log lost the branch's attempt. */
  #isOfAnother(record: TransactionRecord, question: Question): boolean {
    if (decodeOrigin(question.origin).definition === record.definition) return false;
    this.#environment.observer.observe(ofAnother(question));
    return true;
  }

  /** Whether the log can no longer lose the end of a record, so that its branches may forget. */
  #isKept(record: TransactionRecord): boolean {
    const { clock, limits, logMayLoseTail } = this.#environment;
    return !logMayLoseTail || clock.now() > record.changedAt + limits.lossWindowMs + limits.clockSkewMs;
  }
}
