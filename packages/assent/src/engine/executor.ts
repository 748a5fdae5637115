// Runs named operations, each as one atomic step. Steps that are asked for together are committed together, and
// nobody hears of a step before the commit that covers it (C3).
import type { AnyOperation } from "../ports/index.ts";
import { BatchTables } from "./batch-tables.ts";
import { EngineFull, type KeyedEngine } from "./keyed-engine.ts";
import type { OnceKey, OnceResult } from "./once.ts";
import { runStep, type StepCall, stepsPerCommitMax, StoreFailure } from "./step.ts";
import type { BoundOperations } from "./bound-operations.ts";

export abstract class Executor {
  /** An executor that performs its steps in this way. */
  static over(perform: (call: StepCall) => Promise<unknown>): Executor {
    return new (class extends Executor {
      perform(call: StepCall): Promise<unknown> {
        return perform(call);
      }
    })();
  }

  /**
   * Runs one operation and resolves with its result once that is durable.
   * @throws {StoreFailure} `changed: "nothing"` or `changed: "unknown"`
   */
  run<Input, Result>({ name }: AnyOperation<Input, Result>, input: NoInfer<Input>): Promise<Result> {
    // The store has the operation under its name, and returns what it returned.
    return this.perform({ name, input, once: undefined }) as Promise<Result>;
  }

  /** The same, at most once per key: a repeat gets the stored result, another request under the key a mismatch. */
  runOnce<Input, Result>(
    once: OnceKey,
    { name }: AnyOperation<Input, Result>,
    input: NoInfer<Input>,
  ): Promise<OnceResult<Result>> {
    // As in `run`.
    return this.perform({ name, input, once }) as Promise<OnceResult<Result>>;
  }

  /** Performs one step: the operation of this name, as the store has it. @throws {StoreFailure} */
  abstract perform(call: StepCall): Promise<unknown>;
}

interface PendingStep extends StepCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreFailure) => void;
}

export interface ExecutorOptions {
  readonly engine: KeyedEngine;
  readonly operations: BoundOperations;
  /** Store time. */
  readonly now: () => number;
  /** Runs the callback after everything that is asked for in this turn of the event loop, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  /** Called once when a commit failed with an unknown outcome: the process should end. */
  readonly onBroken?: (error: StoreFailure) => void;
}

export class GroupCommitExecutor extends Executor {
  readonly #options: ExecutorOptions;
  readonly #tables: BatchTables;
  #pending: PendingStep[] = [];
  #broken: StoreFailure | undefined;
  #refusesWrites = false;

  constructor(options: ExecutorOptions) {
    super();
    this.#options = options;
    this.#tables = new BatchTables(options.engine);
  }

  perform(step: StepCall): Promise<unknown> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...step, resolve, reject });
      if (this.#pending.length === 1) this.#options.schedule(() => this.#flush());
    });
  }

  #flush(): void {
    const batch = this.#pending.slice(0, stepsPerCommitMax);
    this.#pending = this.#pending.slice(stepsPerCommitMax);
    if (this.#pending.length > 0) this.#options.schedule(() => this.#flush());
    const ran = batch.map((step) => ({ step, ...this.#run(step) }));
    const failure = this.#commit();
    for (const { step, result, hasWritten } of ran) {
      if (failure === undefined) settle(step, result);
      else if (failure.changed === "unknown" || hasWritten) step.reject(failure);
      else this.#read(step, failure);
    }
  }

  #run(step: StepCall): { readonly result: unknown; readonly hasWritten: boolean } {
    const { operations, now } = this.#options;
    const context = { now: now(), refusesWrites: this.#refusesWrites };
    const result = runStep(step, { operations, tables: this.#tables, context });
    return { result, hasWritten: this.#tables.hasWritten };
  }

  /** Nothing of its batch was written: a step that only reads is run again on the durable data. */
  #read(step: PendingStep, failure: StoreFailure): void {
    const { result, hasWritten } = this.#run(step);
    this.#tables.clear();
    settle(step, hasWritten ? failure : result);
  }

  #commit(): StoreFailure | undefined {
    if (this.#tables.isEmpty) return undefined;
    try {
      this.#options.engine.commit(this.#tables.writes);
      this.#refusesWrites = false;
      return undefined;
    } catch (cause) {
      if (cause instanceof EngineFull) {
        this.#refusesWrites = true;
        return new StoreFailure("store_full", cause.message, { cause });
      }
      this.#broken = new StoreFailure("store_broken", `a commit failed, its outcome is not known: ${String(cause)}`, {
        cause,
      });
      for (const step of this.#pending) step.reject(this.#broken);
      this.#pending = [];
      this.#options.onBroken?.(this.#broken);
      return this.#broken;
    } finally {
      this.#tables.clear();
    }
  }
}

function settle(step: PendingStep, result: unknown): void {
  if (result instanceof StoreFailure) step.reject(result);
  else step.resolve(result);
}
