// A well-behaved client: it uses another gateway if one does not answer, respects Retry-After, and never changes the
// key of a request. It stays with one gateway as long as that one answers.
import { setTimeout as pause } from "node:timers/promises";
import { type Attempt, type RequestKind, type Verdict, verdictOf } from "./attempt.ts";
import { GatewayConnection, type Reply, type Request } from "./gateway-connection.ts";
import type { History } from "./history.ts";
import type { Pace } from "./pace.ts";

export interface ClientOptions {
  readonly urls: readonly string[];
  /** Index of the first gateway. */
  readonly first: number;
  readonly history: History;
  readonly pace: Pace;
  /** Ends retries; requests in flight are still awaited. */
  readonly isStopping: () => boolean;
  /** How long a request is retried. */
  readonly patienceMs?: number;
  /** How long to wait for an answer. */
  readonly answerMs?: number;
}

export interface ClientRequest extends Request {
  readonly kind: RequestKind;
  readonly subject: string;
}

/** The result of a request after failovers and retries. */
export interface RequestResult {
  readonly verdict: Verdict;
  /** Of the last attempt; 0: no answer. */
  readonly status: number;
  readonly code: string;
  readonly body: string;
}

const defaultAnswerMs = 10_000;
const defaultPatienceMs = 60_000;
/** Pause before a gateway that has not answered is used again. */
const noAnswerPauseMs = 200;
/** Pause if the answer has no Retry-After. */
const defaultRetryAfterMs = 1_000;

export class RetryingClient {
  readonly #options: ClientOptions;
  readonly #connections: readonly GatewayConnection[];
  #gateway: number;

  constructor(options: ClientOptions) {
    const { urls, first, answerMs = defaultAnswerMs } = options;
    this.#options = options;
    this.#connections = urls.map((url) => new GatewayConnection(url, answerMs));
    this.#gateway = first % urls.length;
  }

  /** One request at a time. Resolves with `done` or `refused`, or with the last answer when it is given up. */
  async ask(wanted: ClientRequest): Promise<RequestResult> {
    const { history, isStopping, patienceMs = defaultPatienceMs } = this.#options;
    const request = history.nextRequest();
    const giveUpAt = performance.now() + patienceMs;
    for (let unansweredInRow = 0; ;) {
      const { reply, ...attempt } = await this.#attempt(wanted, request);
      const verdict = verdictOf(attempt);
      if (verdict === "done" || verdict === "refused" || isStopping() || performance.now() >= giveUpAt) {
        return { verdict, status: attempt.status, code: attempt.code, body: reply?.body ?? "" };
      }
      unansweredInRow = reply === undefined ? unansweredInRow + 1 : 0;
      await this.#comeBack(reply, unansweredInRow);
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Waits as long as required; not at all if another gateway has not been tried yet. */
  async #comeBack(reply: Reply | undefined, unansweredInRow: number): Promise<void> {
    if (reply !== undefined) {
      await pause(reply.retryAfterMs ?? defaultRetryAfterMs);
      return;
    }
    this.#gateway = (this.#gateway + 1) % this.#connections.length;
    if (unansweredInRow % this.#connections.length === 0) await pause(noAnswerPauseMs);
  }

  async #attempt(wanted: ClientRequest, request: number): Promise<Attempt & { readonly reply: Reply | undefined }> {
    const { pace, history } = this.#options;
    const { kind, subject, key = "" } = wanted;
    await pace.turn();
    const gateway = this.#gateway;
    const startedAt = performance.now();
    const reply = await this.#connections[gateway]?.ask(wanted);
    const endedAt = performance.now();
    const [status, code] = [reply?.status ?? 0, codeOf(kind, reply)];
    const attempt: Attempt = { kind, request, subject, key, gateway, startedAt, endedAt, status, code };
    history.record(attempt);
    return { ...attempt, reply };
  }
}

function codeOf(kind: RequestKind, reply: Reply | undefined): string {
  if (reply === undefined) return "";
  if (kind === "find_order" && reply.status === 200) return /"paid": ?true/.test(reply.body) ? "paid" : "open";
  return /"code": ?"([^"]*)"/.exec(reply.body)?.[1] ?? "";
}
