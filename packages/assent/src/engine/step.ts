// One step: a named operation on tables, as every executor runs it.
import type { Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { type OnceKey, runOnce } from "./once.ts";

/** What an operation may know besides its tables and arguments. */
export interface StepContext {
  /** Store time, epoch milliseconds. */
  readonly now: number;
  /** Whether the store refused the last write and has accepted none since. */
  readonly refusesWrites?: boolean;
}

/**
 * An operation is synchronous and works on its tables only. Arguments and results are JSON (no undefined). An executor
 * may run it more than once before its result counts: what it remembers besides its tables must bear that.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- each operation has arguments of its own type
export type Operation = (tables: Tables, args: any, context: StepContext) => unknown;
export type Operations = Readonly<Record<string, Operation>>;

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

/** The step was requested after the store was closed: part of an orderly stop, and not a failure. */
export class StoreClosed extends StoreFailure {
  constructor() {
    super("step_failed", "the store is closed; nothing was changed");
    this.name = "StoreClosed";
  }
}

/** Steps committed together at most; the rest wait for the next commit. */
export const stepsPerCommitMax = 4_096;

/** An operation that somebody asked for. */
export interface StepCall {
  readonly name: string;
  readonly args: unknown;
  /** Where it has to happen at most once. */
  readonly once: OnceKey | undefined;
}

/** Tables that take back what a step did to them when it throws, and pass its error on. */
export interface StepTables {
  step<T>(work: (tables: Tables) => T): T;
}

/** Runs one step; answers its result, or a failure that changed nothing and has the error as its cause. */
export function runStep(
  { name, args, once }: StepCall,
  { operations, tables, context }: { operations: Operations; tables: StepTables; context: StepContext },
): unknown {
  const operation = operations[name];
  if (operation === undefined) return new StoreFailure("step_failed", `there is no operation ${name}`);
  try {
    return tables.step((inside) =>
      once === undefined
        ? operation(inside, args, context)
        : runOnce({ tables: inside, once, now: context.now }, () => operation(inside, args, context) as Json),
    );
  } catch (cause) {
    return new StoreFailure("step_failed", `${name} failed; nothing was changed: ${String(cause)}`, { cause });
  }
}
