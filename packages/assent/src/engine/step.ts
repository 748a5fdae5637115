// One step: an operation that was requested, as every executor runs it.
import type { StepContext, Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";
import { type OnceKey, runOnce } from "./once.ts";
import type { BoundOperations } from "./bound-operations.ts";

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

/** A requested operation. */
export interface StepCall {
  readonly name: string;
  readonly input: unknown;
  /** Where it has to happen at most once. */
  readonly once: OnceKey | undefined;
}

/** Tables that take back what a step did to them when it throws, and pass its error on. */
export interface StepTables {
  step<T>(work: (tables: Tables) => T): T;
}

/** Runs one step; answers its result, or a failure that changed nothing and has the error as its cause. */
export function runStep(
  { name, input, once }: StepCall,
  { operations, tables, context }: { operations: BoundOperations; tables: StepTables; context: StepContext },
): unknown {
  const operation = operations[name];
  if (operation === undefined) return new StoreFailure("step_failed", `there is no operation ${name}`);
  // What the caller of this name has to pass: the value that it named says so.
  const work = (inside: Tables): unknown => operation(inside, input as never, context);
  try {
    return tables.step((inside) =>
      once === undefined
        ? work(inside)
        : // The result of an operation is JSON.
          runOnce({ tables: inside, once, now: context.now }, () => work(inside) as Json),
    );
  } catch (cause) {
    return new StoreFailure("step_failed", `${name} failed; nothing was changed: ${String(cause)}`, { cause });
  }
}
