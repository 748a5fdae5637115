// Every attempt of a load, and figures derived from them. Stored in columns: a run has millions of attempts.
import { closeSync, openSync, writeSync } from "node:fs";
import { type Attempt, type RequestKind, requestKinds } from "./attempt.ts";
import { figuresOf, type HistoryFigures } from "./history-figures.ts";

/** Checkouts have recovered when this many consecutive ones have succeeded within this time. */
export interface FlowCriterion {
  readonly checkouts: number;
  readonly withinMs: number;
}

export const defaultFlow: FlowCriterion = { checkouts: 10, withinMs: 2_000 };

/** Approximate size of a write to the file. */
const fileChunk = 1_000_000;

export class History {
  readonly #flow: FlowCriterion;
  readonly #kinds: number[] = [];
  readonly #requests: number[] = [];
  readonly #subjects: string[] = [];
  readonly #keys: string[] = [];
  readonly #gateways: number[] = [];
  readonly #startedAt: number[] = [];
  readonly #endedAt: number[] = [];
  readonly #statuses: number[] = [];
  readonly #codes: string[] = [];
  /** One shared string for each code. */
  readonly #codeNames = new Map<string, string>();
  #lastRequest = 0;

  constructor({ flow = defaultFlow }: { flow?: FlowCriterion } = {}) {
    this.#flow = flow;
  }

  get size(): number {
    return this.#kinds.length;
  }

  /** A number for a request that is about to be attempted. */
  nextRequest(): number {
    this.#lastRequest += 1;
    return this.#lastRequest;
  }

  /** Attempts are recorded when they end. */
  record({ kind, request, subject, key, gateway, startedAt, endedAt, status, code }: Attempt): void {
    this.#kinds.push(requestKinds.indexOf(kind));
    this.#requests.push(request);
    this.#subjects.push(subject);
    this.#keys.push(key);
    this.#gateways.push(gateway);
    this.#startedAt.push(startedAt);
    this.#endedAt.push(endedAt);
    this.#statuses.push(status);
    this.#codes.push(this.#codeName(code));
  }

  /** In the order in which they ended. */
  *attempts(): Generator<Attempt> {
    for (let index = 0; index < this.size; index += 1) yield this.#attempt(index);
  }

  /** Writes one line of JSON for each attempt. The file is replaced. */
  toFile(path: string): void {
    const file = openSync(path, "w");
    try {
      let text = "";
      for (const attempt of this.attempts()) {
        text += `${JSON.stringify(attempt)}\n`;
        if (text.length < fileChunk) continue;
        writeSync(file, text);
        text = "";
      }
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  }

  /** The longest time between two moments without a successful first checkout of an order. */
  stoodStill(fromMs: number, toMs: number): number {
    let longest = 0;
    let last = fromMs;
    for (const index of this.#succeeded()) {
      const at = this.#endedAt[index] ?? 0;
      if (at < fromMs || at > toMs) continue;
      longest = Math.max(longest, at - last);
      last = at;
    }
    return Math.max(longest, toMs - last);
  }

  /**
   * Milliseconds until checkouts have recovered: until the end of the first success that was begun after the given
   * moment and is followed by enough others, all begun after it (default: 10 within 2 s). Undefined if they never do.
   */
  flowsAgainAfter(atMs: number): number | undefined {
    const { checkouts, withinMs } = this.#flow;
    const ends: number[] = [];
    for (const index of this.#succeeded()) {
      if ((this.#startedAt[index] ?? 0) >= atMs) ends.push(this.#endedAt[index] ?? 0);
    }
    const first = ends.find((end, index) => (ends[index + checkouts - 1] ?? Infinity) - end <= withinMs);
    return first === undefined ? undefined : first - atMs;
  }

  /** Only attempts of the load, without those that resolve unclear answers. */
  figures(): HistoryFigures {
    return figuresOf(this.attempts());
  }

  *#succeeded(): Generator<number> {
    const checkout = requestKinds.indexOf("checkout");
    for (let index = 0; index < this.size; index += 1) {
      if (this.#kinds[index] === checkout && this.#statuses[index] === 200) yield index;
    }
  }

  #attempt(index: number): Attempt {
    return {
      kind: requestKinds[this.#kinds[index] ?? 0] as RequestKind,
      request: this.#requests[index] ?? 0,
      subject: this.#subjects[index] ?? "",
      key: this.#keys[index] ?? "",
      gateway: this.#gateways[index] ?? 0,
      startedAt: this.#startedAt[index] ?? 0,
      endedAt: this.#endedAt[index] ?? 0,
      status: this.#statuses[index] ?? 0,
      code: this.#codes[index] ?? "",
    };
  }

  #codeName(code: string): string {
    const known = this.#codeNames.get(code);
    if (known !== undefined) return known;
    this.#codeNames.set(code, code);
    return code;
  }
}
