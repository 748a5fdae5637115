// The contract of a service: the actions that it offers to transactions, shared by both sides.
import { InvalidDefinition } from "../coordinator/definition.ts";
import type { SchemaInput, SchemaOutput, StandardSchema } from "../coordinator/standard-schema.ts";
import { faultOfName, type Protocol } from "../protocol/index.ts";
import { newStep, type Step } from "./step.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a schema of any types
export type AnySchema = StandardSchema<any, any>;

/** One thing that a service does for a transaction. */
export interface Action {
  readonly input: AnySchema;
  /** What it returns to the caller of the transaction; left out, nothing. */
  readonly output?: AnySchema;
  /** Why it may refuse. */
  readonly refusals?: readonly string[];
  /** The protocols that the service can do; left out, both. A coordinator that chooses avoids the others. */
  readonly protocols?: readonly Protocol[];
}

export type Actions = Readonly<Record<string, Action>>;

export type OutputOf<A extends Action> = A extends { readonly output: infer S } ? SchemaOutput<S> : undefined;
export type RefusalOf<A extends Action> = A extends { readonly refusals: readonly (infer R extends string)[] }
  ? R
  : never;

const contract: unique symbol = Symbol("contract");

export interface Contract<A extends Actions = Actions> {
  readonly name: string;
  readonly actions: A;
}

/** A service as transactions call it: `flights.book({ … })` is a step. */
export type Service<A extends Actions> = {
  readonly [Name in keyof A]: (input: SchemaInput<A[Name]["input"]>) => Step<OutputOf<A[Name]>, RefusalOf<A[Name]>>;
} & { readonly [contract]: Contract<A> };

/**
 * Declares a service: its name on the bus, and its actions.
 * @throws {InvalidDefinition} for an invalid name, and for `then`, which would make a promise of the service
 */
export function service<const A extends Actions>(name: string, actions: A): Service<A> {
  checkName("the name of a service", name);
  const calls = Object.entries(actions).map(([action, { protocols }]) => {
    checkName(`the name of an action of ${name}`, action);
    if (action === "then") throw new InvalidDefinition(`an action of ${name} has the reserved name then`);
    const call = (input: unknown): Step<unknown, string> =>
      newStep({ service: name, action, input, ...(protocols !== undefined && { protocols }) });
    return [action, call];
  });
  return Object.freeze({ ...Object.fromEntries(calls), [contract]: { name, actions } }) as Service<A>;
}

export function contractOf<A extends Actions>(declared: Service<A>): Contract<A> {
  return declared[contract];
}

export function checkName(what: string, name: string): void {
  const fault = faultOfName(name);
  if (fault !== undefined) throw new InvalidDefinition(`${what} ${fault}`);
}
