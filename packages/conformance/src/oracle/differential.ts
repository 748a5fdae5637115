// The differential oracle: the same random calls to an adapter of every port and to a plain model of the rules, with
// every answer compared and everything that can be read compared again and again. A run counts when every outcome of
// every call, and every rule that the model knows, has happened in it.
import type { Answer } from "assent/internal/protocol";
import { isDeepStrictEqual } from "node:util";
import type { KeyedAdapter } from "../keyed-adapters.ts";
import { type Case, type Open, register, type Suite } from "../suite.ts";
import type { TestClock } from "../test-clock.ts";
import { type Answered, ask, type Call, nameOf, perform } from "./call.ts";
import { Draw } from "./draw.ts";
import { Model } from "./model.ts";
import type { ModelSweep } from "./model-branches.ts";
import { rulesOf } from "./odd-names.ts";
import { outcomesExpected, outcomesOf } from "./outcomes.ts";
import { RandomCalls } from "./random-calls.ts";

export interface DifferentialOptions {
  /** One run each. */
  readonly seeds: readonly number[];
  /** Rounds of a run at least; it goes on until everything has happened. */
  readonly roundsMin: number;
  /** By when everything has to have happened. */
  readonly roundsMax: number;
  /** Whether everything has to have happened. A short run, for an adapter whose calls are slow, ends at `roundsMin`. */
  readonly isComplete: boolean;
  /**
   * Calls that are made together, in one turn of the event loop, at most. More than 1 is for adapters that do them in
   * order and each once: a step that is run again may have left a place in a waiting line, which is only a hint (P10).
   */
  readonly together: number;
}

export const differentialDefaults: DifferentialOptions = {
  seeds: [1, 2, 3],
  roundsMin: 400,
  roundsMax: 5_000,
  isComplete: true,
  together: 16,
};

/** Rounds between two looks at everything that can be read. */
const readEvery = 20;
/** Calls that are shown with a disagreement. */
const shownMax = 10;

/** An adapter and the model have answered the same call differently. */
export class Disagreement extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Disagreement";
  }
}

/** One run for each seed. */
export function differentialCases(options: Partial<DifferentialOptions> = {}): Suite<KeyedAdapter> {
  const all = { ...differentialDefaults, ...options };
  const cases = all.seeds.map((seed): Case<KeyedAdapter> => {
    const name = `every outcome of every call is the model's (seed ${seed})`;
    return { name, run: (adapter, clock) => new Run(seed, adapter, clock).until(all) };
  });
  return { name: "Differential oracle", cases };
}

/** Registers the runs of the differential oracle for an adapter of every port. */
export function differentialSuite(open: Open<KeyedAdapter>, options: Partial<DifferentialOptions> = {}): void {
  register(differentialCases(options), open);
}

class Run {
  readonly #seed: number;
  readonly #adapter: KeyedAdapter;
  readonly #clock: TestClock;
  readonly #draw: Draw;
  readonly #model: Model;
  readonly #calls: RandomCalls;
  readonly #missing = new Set(outcomesExpected);
  readonly #latest: string[] = [];
  #round = 0;

  constructor(seed: number, adapter: KeyedAdapter, clock: TestClock) {
    this.#seed = seed;
    this.#adapter = adapter;
    this.#clock = clock;
    this.#draw = new Draw(seed);
    this.#model = new Model({ now: clock.now, met: (rule) => void this.#missing.delete(rule) });
    this.#calls = new RandomCalls({ model: this.#model, clock, draw: this.#draw });
  }

  async until({ roundsMin, roundsMax, isComplete, together }: DifferentialOptions): Promise<void> {
    while (this.#round < roundsMin || (isComplete && this.#missing.size > 0)) {
      if (this.#round === roundsMax) throw new Error(`after ${roundsMax} rounds, never:\n  ${this.#neverHappened()}`);
      this.#round += 1;
      this.#clock.advance(this.#calls.wait());
      await this.#together(Array.from({ length: 1 + this.#draw.below(together) }, () => () => this.#calls.next()));
      if (this.#round % readEvery === 0) await this.#readEverything();
    }
    await this.#readEverything();
  }

  #readEverything(): Promise<void> {
    return this.#together(this.#model.readings().map((reading) => () => reading));
  }

  /** Makes calls in one turn. What is called next may follow from what the model answered to the one before. */
  async #together(next: readonly (() => Call)[]): Promise<void> {
    const made = next.map((each) => {
      const call = each();
      for (const rule of rulesOf(call.args)) this.#missing.delete(rule);
      return { call, expected: perform(this.#model, call) };
    });
    const answers = await Promise.all(made.map(({ call }) => ask(this.#adapter, call)));
    for (const [index, { call, expected }] of made.entries()) {
      const actual = answers[index] ?? { rejected: "no answer" };
      for (const outcome of outcomesOf(call, expected)) this.#missing.delete(outcome);
      if (!agree(call, expected, actual)) throw this.#disagreement(call, { expected, actual });
      this.#show(call, expected);
    }
  }

  #show(call: Call, expected: Answered): void {
    this.#latest.push(`${this.#clock.now()} ${textOf(call)} → ${JSON.stringify(expected)}`);
    if (this.#latest.length > shownMax) this.#latest.shift();
  }

  #disagreement(call: Call, { expected, actual }: { expected: Answered; actual: Answered }): Disagreement {
    return new Disagreement(
      [
        `seed ${this.#seed}, round ${this.#round}, at ${this.#clock.now()}: ${textOf(call)}`,
        `  the model answers   ${JSON.stringify(expected)}`,
        `  the adapter answers ${JSON.stringify(actual)}`,
        `  before:`,
        ...this.#latest.map((line) => `    ${line}`),
      ].join("\n"),
    );
  }

  #neverHappened(): string {
    return [...this.#missing].join("\n  ");
  }
}

const textOf = (call: Call): string => `${nameOf(call)}(${call.args.map((arg) => JSON.stringify(arg)).join(", ")})`;

function agree(call: Call, expected: Answered, actual: Answered): boolean {
  if ("rejected" in expected || "rejected" in actual) return "rejected" in expected && "rejected" in actual;
  if (call.port !== "store") return isDeepStrictEqual(actual.answer, expected.answer);
  if (call.method === "apply") return isDeepStrictEqual(withoutReasons(actual), withoutReasons(expected));
  const { looked, more, questions } = expected.answer as ModelSweep;
  const swept = actual.answer as ModelSweep;
  // `more` may be true without need if a sweep has read its limit.
  const isMoreTrue = swept.more === more || (swept.more && looked === call.args[0]);
  return isMoreTrue && isDeepStrictEqual(swept.questions, questions);
}

/** Why nothing is known is for people. */
function withoutReasons({ answer }: { readonly answer: unknown }): readonly unknown[] {
  return (answer as readonly Answer[]).map((each) => (each.kind === "unknown" ? { kind: each.kind } : each));
}
