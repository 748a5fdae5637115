// Defining a transaction: data and payload builders, hashed and pinned in every record that is begun with it (C7).
import {
  type BranchSpec,
  defaultLimits,
  exactJson,
  faultOfName,
  fingerprintOf,
  invariant,
  InvariantViolation,
  type Json,
  type Limits,
  nestsWithin,
  type Protocol,
} from "../protocol/index.ts";
import type { RowChange } from "../ports/transaction-log.ts";
import { parseInput, type StandardSchema } from "./standard-schema.ts";

/** One branch of a step: its data partition and what the participant is to do there. */
export interface BranchPlan {
  readonly partition: string;
  readonly payload: Json;
}

export interface StepDefinition<Input> {
  /** The participant service that does this step. */
  readonly service: string;
  /** Steps that must have voted yes before this one is asked; without it, steps run in parallel. */
  readonly after?: readonly string[];
  /** What the participant is to do, or undefined when this input needs nothing from it. Pure. */
  readonly payload?: (input: Input) => Json | undefined;
  /** Instead of `payload`, for a service whose data is partitioned: one branch per partition. Pure. */
  readonly branches?: (input: Input) => readonly BranchPlan[];
}

export interface TransactionDefinition<Input> {
  readonly name: string;
  /** Change it with the meaning of the steps; records pin it, and several versions can be served at once. */
  readonly version?: number;
  readonly input: StandardSchema<Input>;
  readonly steps: Readonly<Record<string, StepDefinition<Input>>>;
  /** Conditions on, and changes to, the row in the atomic step that begins an attempt. */
  readonly onBegin?: RowChange;
  /** Changes to the row in the atomic step that commits. */
  readonly onCommit?: RowChange;
}

/** A step of one transaction, as it follows from its input. */
export interface StepPlan {
  readonly name: string;
  readonly service: string;
  readonly after: readonly string[];
  /** Empty where this input needs nothing of the service. */
  readonly branches: readonly BranchPlan[];
  /** How long each branch may take to vote, where that is shorter than phase 1. Milliseconds. */
  readonly withinMs?: number;
  /** The protocols that the service supports for it; left out, both. */
  readonly protocols?: readonly Protocol[];
}

/** What the coordinator needs of a definition. */
export interface Plannable<Input> extends Pick<
  TransactionDefinition<Input>,
  "name" | "input" | "onBegin" | "onCommit"
> {
  /** Pinned in each record: of the steps as declared; or of the whole plan, where that follows from the input. */
  readonly hash: number | "of_plan";
  /** The services that may take part, where that is known without an input. */
  readonly services?: readonly string[];
  /** Left out, what the coordinator is set to. */
  readonly protocol?: Protocol;
  /** Pure: recovery plans again. */
  readonly plan: (input: Input) => readonly StepPlan[];
}

/** A definition that has been checked. Make one with `defineTransaction`. */
export interface Transaction<Input> extends TransactionDefinition<Input>, Plannable<Input> {
  readonly hash: number;
  /** The services that its steps name, each once. */
  readonly services: readonly string[];
}

/** A checked definition of any input. */
// oxlint-disable-next-line typescript/no-explicit-any -- builders take the input their own schema returned
export type AnyTransaction = Plannable<any>;

/** Thrown for an invalid definition. `code` is stable. */
export class InvalidDefinition extends Error {
  readonly code = "invalid_definition";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvalidDefinition";
  }
}

/**
 * Checks a definition and pins it by a hash of its name, version and steps.
 * @throws {InvalidDefinition} for a step without a builder, or `after` naming an unknown step or going in a circle
 */
export function defineTransaction<Input>(definition: TransactionDefinition<Input>): Transaction<Input> {
  checkName("the name", definition.name);
  const steps = Object.entries(definition.steps);
  if (steps.length === 0) throw new InvalidDefinition(`${definition.name} has no steps`);
  for (const [name, step] of steps) {
    checkName(`the name of a step of ${definition.name}`, name);
    checkName(`the service of ${name} of ${definition.name}`, step.service);
    if ((step.payload === undefined) === (step.branches === undefined)) {
      throw new InvalidDefinition(`step ${name} of ${definition.name} needs either payload or branches`);
    }
    for (const earlier of step.after ?? []) {
      if (!Object.hasOwn(definition.steps, earlier)) {
        throw new InvalidDefinition(`step ${name} of ${definition.name} comes after ${earlier}, which is no step`);
      }
    }
    if (reaches(definition.steps, name, name)) {
      throw new InvalidDefinition(`step ${name} of ${definition.name} comes after itself`);
    }
  }
  checkChanges(definition);
  const shape = steps.map(([name, step]): Json => [name, step.service, [...(step.after ?? [])]]);
  return {
    ...definition,
    hash: fingerprintOf([definition.name, definition.version ?? 1, shape]),
    services: [...new Set(steps.map(([, step]) => step.service))],
    plan: (input) => steps.map(([name, step]) => planStep(name, step, input)),
  };
}

/** Changes of the row must reach the store exactly as they are written here. */
function checkChanges<Input>({ name, onBegin, onCommit }: TransactionDefinition<Input>): void {
  const { nestingMax, payloadBytesMax } = defaultLimits;
  for (const [when, change] of Object.entries({ onBegin, onCommit })) {
    try {
      if (change !== undefined) exactJson(change, { nestingMax, valuesMax: payloadBytesMax });
    } catch (cause) {
      throw new InvalidDefinition(`${when} of ${name} cannot be carried as JSON: ${String(cause)}`, { cause });
    }
  }
}

function checkName(what: string, name: string): void {
  const fault = faultOfName(name);
  if (fault !== undefined) throw new InvalidDefinition(`${what} ${fault}`);
}

function reaches(steps: Readonly<Record<string, { after?: readonly string[] }>>, from: string, to: string): boolean {
  const open = [...(steps[from]?.after ?? [])];
  const seen = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(steps[name]?.after ?? []));
  }
  return false;
}

/** What bounds a plan: nothing goes out that a participant could not read. */
export type PlanLimits = Pick<Limits, "branchesMax" | "idLengthMax" | "payloadBytesMax" | "nestingMax">;

/**
 * The frozen branch list of one transaction, a pure function of definition and input.
 * @throws {InvalidInput} when the input does not fit; whatever a builder throws
 */
export function planBranches<Input>(
  transaction: Pick<Plannable<Input>, "input" | "plan">,
  rawInput: Json,
  limits: PlanLimits,
): readonly BranchSpec[] {
  const fail = (message: string): Error => new InvariantViolation("limits", message);
  checkContent("the input", rawInput, { limits, fail });
  const input = parseInput(transaction.input, rawInput);
  const steps = transaction.plan(input);
  const idsOf = new Map(steps.map(({ name, branches }) => [name, branches.map((_, index) => branchId(name, index))]));
  const { branchesMax } = limits;
  // A step without branches for this input stands for the steps before it.
  const idsBefore = (after: readonly string[]): readonly string[] =>
    after.flatMap((earlier) => {
      const ids = idsOf.get(earlier) ?? [];
      return ids.length > 0 ? ids : idsBefore(steps.find(({ name }) => name === earlier)?.after ?? []);
    });
  const branches = steps.flatMap(({ name, service, after, withinMs, branches: plans }) =>
    plans.map(({ partition, payload }, index): BranchSpec => ({
      branchId: branchId(name, index),
      step: name,
      service,
      partition,
      payload: carriedPayload(branchId(name, index), payload, { limits, fail }),
      after: [...new Set(idsBefore(after))],
      ...(withinMs !== undefined && { withinMs }),
    })),
  );
  invariant(branches.length <= branchesMax, "limits", `${branches.length} branches, limit ${branchesMax}`);
  for (const branch of branches) checkBranch(branch, { limits, fail });
  return branches;
}

/** What the codec of a participant would drop unread must never be sent: it could be neither done nor undone. */
function checkBranch({ branchId: id, service, partition, payload }: BranchSpec, bounds: ContentBounds): void {
  for (const name of [id, service, partition]) {
    const fault = faultOfName(name, bounds.limits.idLengthMax);
    invariant(fault === undefined, "limits", `"${name}" is no name: it ${fault}`);
  }
  checkContent(`the payload of ${id}`, payload, bounds);
}

/** A payload that JSON would change is the builder's error, so it fails the definition and is not sent. */
function carriedPayload(id: string, payload: unknown, { limits, fail }: ContentBounds): Json {
  try {
    return exactJson(payload, { nestingMax: limits.nestingMax, valuesMax: limits.payloadBytesMax });
  } catch (error) {
    throw fail(`the payload of ${id} cannot be carried as JSON: ${String(error)}`);
  }
}

interface ContentBounds {
  readonly limits: PlanLimits;
  readonly fail: (message: string) => Error;
}

/** Throws the error that `fail` makes for content that no participant could read. */
export function checkContent(what: string, content: Json, { limits, fail }: ContentBounds): void {
  const { nestingMax, payloadBytesMax } = limits;
  if (!nestsWithin(content, nestingMax)) throw fail(`${what} is nested deeper than ${nestingMax}`);
  const text = JSON.stringify(content);
  // A UTF-16 unit is at most three bytes: most contents need no encoding to be known to fit.
  if (text.length * 3 <= payloadBytesMax) return;
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > payloadBytesMax) throw fail(`${what} has ${bytes} bytes, limit ${payloadBytesMax}`);
}

function planStep<Input>(name: string, step: StepDefinition<Input>, input: Input): StepPlan {
  const { service, after = [] } = step;
  const payload = step.payload?.(input);
  const branches = step.branches?.(input) ?? (payload === undefined ? [] : [{ partition: "0", payload }]);
  return { name, service, after, branches };
}

function branchId(step: string, index: number): string {
  return `${step}/${index}`;
}
