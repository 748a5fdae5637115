// How a coordinator reaches branches, and branches their coordinator. Each promises one thing: an answer or none.
import type { Answer, Command, Question, QuestionAnswer } from "../protocol/index.ts";

export interface Destination {
  readonly service: string;
  readonly partition: string;
}

/**
 * `waitMs`: how long the answer is awaited, milliseconds. `tryForMs`: how long delivery is attempted, where that is
 * shorter, because the sender sends the command again afterwards. `mayWait`: no caller waits for the answer, so the
 * command may be held back for a moment to share a message with others.
 */
export type Wait = number | { readonly waitMs: number; readonly tryForMs: number; readonly mayWait?: boolean };

export function waitMsOf(wait: Wait): number {
  return typeof wait === "number" ? wait : wait.waitMs;
}

export function mayWaitOf(wait: Wait): boolean {
  return typeof wait !== "number" && wait.mayWait === true;
}

/** A time in which nothing could leave this process. `code` is stable. */
export interface Outage {
  readonly code: string;
  readonly reason: string;
  /** Monotonic, as `Clock.monotonic` has it. */
  readonly from: number;
  /** Left out while it lasts. */
  readonly to?: number;
}

export interface Transport {
  /** The last outage; left out where there was none, or cannot be one. A message that was not sent is not silence. */
  readonly outage?: Outage | undefined;
  /**
   * Delivers a command and resolves with its answer, or with undefined when none came in time. Never rejects:
   * a broken connection, an undecodable reply and silence are the same thing to a commit protocol. A command may
   * arrive late, more than once, or out of order.
   */
  send(destination: Destination, command: Command, wait: Wait): Promise<Answer | undefined>;
}

export interface QuestionTransport {
  /** Asks a coordinator service what became of a transaction (P6). Undefined when no answer came; never rejects. */
  ask(coordinator: string, question: Question, waitMs: number): Promise<QuestionAnswer | undefined>;
}
