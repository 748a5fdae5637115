// An executor that holds back operations that no caller waits for: they run together with the next operation that a
// caller does wait for, and share its commit.
import { type AnyOperation, type Clock, Gathering } from "../ports/index.ts";
import { Executor } from "./executor.ts";
import type { StepCall } from "./step.ts";

export interface CompanyOptions {
  /** Operations that no caller waits for. */
  readonly unwaitedFor: readonly AnyOperation[];
  readonly companyWaitMs: number;
  readonly clock: Clock;
}

export class CompanyExecutor extends Executor {
  readonly #executor: Executor;
  readonly #unwaitedFor: ReadonlySet<string>;
  readonly #gathering: Gathering<() => void>;

  constructor(executor: Executor, { unwaitedFor, companyWaitMs, clock }: CompanyOptions) {
    super();
    this.#executor = executor;
    this.#unwaitedFor = new Set(unwaitedFor.map(({ name }) => name));
    // The executor batches by itself: operations that a caller waits for are passed on at once.
    const schedule = (callback: () => void): void => callback();
    const send = (calls: readonly (() => void)[]): void => {
      for (const call of calls) call();
    };
    this.#gathering = new Gathering({ send, schedule, clock, companyWaitMs });
  }

  perform(call: StepCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const mayWait = this.#unwaitedFor.has(call.name);
      this.#gathering.add(() => void this.#executor.perform(call).then(resolve, reject), { mayWait });
    });
  }

  /** Runs at once everything that is held back; from now on nothing is held back. */
  drain(): void {
    this.#gathering.drain();
  }
}
