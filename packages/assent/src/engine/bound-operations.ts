// The operations of one store, with the settings that they need there.
import type { AnyOperation, Operation, StepContext, Tables } from "../ports/index.ts";

/** An operation with the settings of its store. */
export type BoundOperation<Input = never, Result = unknown> = (
  tables: Tables,
  input: Input,
  context: StepContext,
) => Result;

/** What a store can do, by the names of its operations. */
export type BoundOperations = Readonly<Record<string, BoundOperation>>;

/** The operations of a store by their names, with the types that they have there. */
export type Bound<Operations extends Readonly<Record<string, AnyOperation>>> = {
  readonly [Name in keyof Operations]: Operations[Name] extends Operation<string, infer Input, infer Result, never>
    ? BoundOperation<Input, Result>
    : never;
};

/** Gives the operations of a store the settings that they need. Each stands under its own name. */
export function bindOperations<
  Settings,
  Operations extends { readonly [Name in keyof Operations]: Operation<Name & string, never, unknown, Settings> },
>(operations: Operations, settings: Settings): Bound<Operations> {
  const bound = Object.values<Operation<string, never, unknown, Settings>>(operations).map(
    ({ name, step }): [string, BoundOperation] => [
      name,
      (tables, input, context) => step(tables, input, { ...context, ...settings }),
    ],
  );
  // Every entry is bound, under the name that it had: the types of its input and result are as they were.
  return Object.fromEntries(bound) as Bound<Operations>;
}
