// Runs named operations, each as one atomic step. Steps that are asked for together are committed together, and
// nobody hears of a step before the commit that covers it (C3).
import type { Tables } from "@assent/orchestrator";
import type { Json } from "@assent/protocol";
import { BatchTables } from "./batch-tables.ts";
import { EngineFull, type KeyedEngine } from "./keyed-engine.ts";
import { type OnceKey, type OnceResult, runOnce } from "./once.ts";

/** What an operation may know besides its tables and arguments. */
export interface StepContext {
  /** Store time, epoch milliseconds. */
  readonly now: number;
}

/** An operation is synchronous and works on its tables only. Arguments and results are JSON (no undefined). */
// oxlint-disable-next-line typescript/no-explicit-any -- each operation has arguments of its own type
export type Operation = (tables: Tables, args: any, context: StepContext) => unknown;
export type Operations = Readonly<Record<string, Operation>>;

export type Arguments<O extends Operations, Name extends keyof O> = Parameters<O[Name]>[1];
export type Result<O extends Operations, Name extends keyof O> = ReturnType<O[Name]>;

export interface Executor<O extends Operations> {
  /**
   * Runs one operation and resolves with its result once that is durable.
   * @throws {StoreFailure} `changed: "nothing"` or `changed: "unknown"`
   */
  run<Name extends keyof O & string>(name: Name, args: Arguments<O, Name>): Promise<Result<O, Name>>;
  /** The same, at most once per key: a repeat gets the stored result, another request under the key a mismatch. */
  runOnce<Name extends keyof O & string>(
    once: OnceKey,
    name: Name,
    args: Arguments<O, Name>,
  ): Promise<OnceResult<Result<O, Name>>>;
}

/** An operation failed. `code` is stable; `changed` says what is known of its effect. */
export class StoreFailure extends Error {
  readonly code: "step_failed" | "store_full" | "store_broken";
  readonly changed: "nothing" | "unknown";

  constructor(code: StoreFailure["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreFailure";
    this.code = code;
    this.changed = code === "store_broken" ? "unknown" : "nothing";
  }
}

/** Steps committed together at most; the rest wait for the next commit. */
export const stepsPerCommitMax = 4_096;

interface PendingStep {
  readonly name: string;
  readonly args: unknown;
  readonly once: OnceKey | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreFailure) => void;
}

export interface ExecutorOptions<O extends Operations> {
  readonly engine: KeyedEngine;
  readonly operations: O;
  /** Store time. */
  readonly now: () => number;
  /** Runs the callback after everything that is asked for in this turn of the event loop, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  /** Told once when a commit failed in a way that leaves its outcome unknown: the process should end. */
  readonly onBroken?: (error: StoreFailure) => void;
}

export class GroupCommitExecutor<O extends Operations> implements Executor<O> {
  readonly #options: ExecutorOptions<O>;
  readonly #tables: BatchTables;
  #pending: PendingStep[] = [];
  #broken: StoreFailure | undefined;

  constructor(options: ExecutorOptions<O>) {
    this.#options = options;
    this.#tables = new BatchTables(options.engine);
  }

  run<Name extends keyof O & string>(name: Name, args: Arguments<O, Name>): Promise<Result<O, Name>> {
    return this.#enqueue({ name, args, once: undefined }) as Promise<Result<O, Name>>;
  }

  runOnce<Name extends keyof O & string>(
    once: OnceKey,
    name: Name,
    args: Arguments<O, Name>,
  ): Promise<OnceResult<Result<O, Name>>> {
    return this.#enqueue({ name, args, once }) as Promise<OnceResult<Result<O, Name>>>;
  }

  #enqueue(step: Pick<PendingStep, "name" | "args" | "once">): Promise<unknown> {
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
    const settled = batch.map((step) => this.#runStep(step));
    const failure = this.#commit();
    batch.forEach((step, index) => {
      const result = settled[index];
      if (failure !== undefined) step.reject(failure);
      else if (result instanceof StoreFailure) step.reject(result);
      else step.resolve(result);
    });
  }

  #runStep({ name, args, once }: PendingStep): unknown {
    const { operations, now } = this.#options;
    const operation = operations[name];
    if (operation === undefined) return new StoreFailure("step_failed", `there is no operation ${name}`);
    const context = { now: now() };
    try {
      return this.#tables.step((tables) =>
        once === undefined
          ? operation(tables, args, context)
          : runOnce({ tables, once, now: context.now }, () => operation(tables, args, context) as Json),
      );
    } catch (cause) {
      return new StoreFailure("step_failed", `${name} failed; nothing was changed: ${String(cause)}`, { cause });
    }
  }

  #commit(): StoreFailure | undefined {
    if (this.#tables.isEmpty) return undefined;
    try {
      this.#options.engine.commit(this.#tables.writes);
      return undefined;
    } catch (cause) {
      if (cause instanceof EngineFull) return new StoreFailure("store_full", cause.message, { cause });
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
