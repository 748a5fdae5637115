// An operation as a value: a name that travels between threads and processes, the step that it runs, and the types of
// what goes in and comes out. Callers name the value; the store runs what it has under that name.
import type { Tables } from "./tables.ts";

/** What an operation may know besides its tables, its input and the settings of its store. */
export interface StepContext {
  /** Store time, epoch milliseconds. */
  readonly now: number;
  /** Whether the store refused the last write and has accepted none since. */
  readonly refusesWrites?: boolean;
}

/**
 * An operation is synchronous and works on its tables only. Input and result are JSON (no undefined). An executor may
 * run it more than once before its result counts: what it remembers besides its tables must bear that.
 */
export interface Operation<Name extends string, Input, Result, Settings = unknown> {
  readonly name: Name;
  readonly step: (tables: Tables, input: Input, context: StepContext & Settings) => Result;
}

export function operation<const Name extends string, Input, Result, Settings>(
  name: Name,
  step: (tables: Tables, input: Input, context: StepContext & Settings) => Result,
): Operation<Name, Input, Result, Settings> {
  return { name, step };
}

/** An operation, whatever settings its store needs. */
export type AnyOperation<Input = never, Result = unknown> = Operation<string, Input, Result, never>;
