// An executor that holds back operations that no caller waits for: they run together with the next operation that a
// caller does wait for, and share its commit.
import { type Clock, Gathering } from "../ports/index.ts";
import type { Arguments, Executor, Result } from "./executor.ts";
import type { OnceKey, OnceResult } from "./once.ts";
import type { Operations } from "./step.ts";

export interface CompanyOptions<O extends Operations> {
  /** Operations that no caller waits for. */
  readonly unwaitedFor: readonly (keyof O & string)[];
  readonly companyWaitMs: number;
  readonly clock: Clock;
}

export class CompanyExecutor<O extends Operations> implements Executor<O> {
  readonly #executor: Executor<O>;
  readonly #unwaitedFor: ReadonlySet<string>;
  readonly #gathering: Gathering<() => void>;

  constructor(executor: Executor<O>, { unwaitedFor, companyWaitMs, clock }: CompanyOptions<O>) {
    this.#executor = executor;
    this.#unwaitedFor = new Set(unwaitedFor);
    // The executor batches by itself: operations that a caller waits for are passed on at once.
    const schedule = (callback: () => void): void => callback();
    const send = (calls: readonly (() => void)[]): void => {
      for (const call of calls) call();
    };
    this.#gathering = new Gathering({ send, schedule, clock, companyWaitMs });
  }

  run<Name extends keyof O & string>(name: Name, args: Arguments<O, Name>): Promise<Result<O, Name>> {
    return this.#ask(name, () => this.#executor.run(name, args));
  }

  runOnce<Name extends keyof O & string>(
    once: OnceKey,
    name: Name,
    args: Arguments<O, Name>,
  ): Promise<OnceResult<Result<O, Name>>> {
    return this.#ask(name, () => this.#executor.runOnce(once, name, args));
  }

  /** Runs at once everything that is held back; from now on nothing is held back. */
  drain(): void {
    this.#gathering.drain();
  }

  #ask<T>(name: string, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const mayWait = this.#unwaitedFor.has(name);
      this.#gathering.add(() => void call().then(resolve, reject), { mayWait });
    });
  }
}
