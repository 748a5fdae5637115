// A transaction: its input, and the steps that follow from it.
import { InvalidDefinition, type Plannable, type StepPlan } from "../coordinator/definition.ts";
import type { SchemaInput, SchemaOutput } from "../coordinator/standard-schema.ts";
import type { Json, Protocol } from "../protocol/index.ts";
import { type AnySchema, checkName } from "./service.ts";
import { type AnyStep, readStep, type Step } from "./step.ts";

/** The steps of a transaction by name; one that is undefined is left out. */
export type Steps = Readonly<Record<string, AnyStep | undefined>>;

const plannable: unique symbol = Symbol("plannable");
declare const types: unique symbol;

/** A declared transaction: what `run` takes. */
export interface Transaction<Input, S extends Steps> {
  readonly name: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a plan takes the input its own schema returned
  readonly [plannable]: Plannable<any>;
  readonly [types]?: { readonly input: Input; readonly steps: S };
}

// oxlint-disable-next-line typescript/no-explicit-any -- of any input and steps
export type AnyTransaction = Transaction<any, any>;

/** What the steps of a committed transaction returned. */
export type Returned<S extends Steps> = {
  readonly [Name in keyof S]: S[Name] extends Step<infer Output, infer _R>
    ? Output
    : S[Name] extends Step<infer Output, infer _R> | undefined
      ? Output | undefined
      : undefined;
};

/** Why its steps may refuse. */
export type Refusals<S extends Steps> = {
  [Name in keyof S]: S[Name] extends Step<infer _O, infer Refusal> | undefined ? Refusal : never;
}[keyof S];

export interface TransactionOptions<Schema extends AnySchema, S extends Steps> {
  readonly input: Schema;
  /** Left out, what the coordinator is set to. */
  readonly protocol?: Protocol;
  /**
   * Pure: recovery calls it again, and goes on only if it asks the same of every service. All steps are known when the
   * transaction begins, so that any process can finish it: no step's input depends on what another returns.
   */
  readonly steps: (input: SchemaOutput<Schema>) => S;
}

/**
 * Declares a transaction.
 * @throws {InvalidDefinition} for an invalid name
 */
export function transaction<Schema extends AnySchema, const S extends Steps>(
  name: string,
  { input, protocol, steps }: TransactionOptions<Schema, S>,
): Transaction<SchemaInput<Schema>, S> {
  checkName("the name of a transaction", name);
  return {
    name,
    [plannable]: {
      name,
      input,
      hash: "of_plan",
      plan: (parsed: SchemaOutput<Schema>) => planOf(steps(parsed)),
      ...(protocol !== undefined && { protocol }),
    },
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- a plan takes the input its own schema returned
export function plannableOf(declared: AnyTransaction): Plannable<any> {
  return declared[plannable];
}

function planOf(steps: Steps): readonly StepPlan[] {
  const named = Object.entries(steps).flatMap(([name, step]) => (step === undefined ? [] : [[name, step] as const]));
  const names = new Map(named.map(([name, step]) => [step, name]));
  if (names.size !== named.length) throw new InvalidDefinition("one step has two names");
  const nameOf = (of: string, earlier: AnyStep): string => {
    const name = names.get(earlier);
    if (name === undefined) throw new InvalidDefinition(`step ${of} comes after a step that is not returned`);
    return name;
  };
  const plans = named.map(([name, step]): StepPlan => {
    checkName("the name of a step", name);
    const { call, earlier, withinMs } = readStep(name, step);
    const { service, action, input, protocols } = call;
    return {
      name,
      service,
      after: earlier.map((each) => nameOf(name, each)),
      branches: [{ partition: "0", payload: { action, input: input as Json } }],
      ...(protocols !== undefined && { protocols }),
      ...(withinMs !== undefined && { withinMs }),
    };
  });
  checkOrder(plans);
  return plans;
}

/** Each step can be asked some time. */
function checkOrder(plans: readonly StepPlan[]): void {
  const done = new Set<string>();
  for (let open = plans; open.length > 0;) {
    const ready = open.filter(({ after }) => after.every((name) => done.has(name)));
    if (ready.length === 0) throw new InvalidDefinition(`step ${open[0]?.name ?? ""} comes after itself`);
    for (const { name } of ready) done.add(name);
    open = open.filter((plan) => !ready.includes(plan));
  }
}
