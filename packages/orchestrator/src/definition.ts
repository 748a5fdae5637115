// Defining a transaction: data and payload builders, hashed and pinned in every record that is begun with it (C7).
import { type BranchSpec, fingerprintOf, invariant, type Json, type Limits, nestsWithin } from "@assent/protocol";
import type { RowChange } from "./ports/transaction-log.ts";
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

/** A definition that has been checked. Make one with `defineTransaction`. */
export interface Transaction<Input> extends TransactionDefinition<Input> {
  readonly hash: number;
  /** The services that its steps name, each once. */
  readonly services: readonly string[];
}

/** A checked definition of any input. */
// oxlint-disable-next-line typescript/no-explicit-any -- builders take the input their own schema returned
export type AnyTransaction = Transaction<any>;

/** Thrown for a definition that cannot be meant. `code` is stable. */
export class InvalidDefinition extends Error {
  readonly code = "invalid_definition";

  constructor(message: string) {
    super(message);
    this.name = "InvalidDefinition";
  }
}

/**
 * Checks a definition and pins it by a hash of its name, version and steps.
 * @throws {InvalidDefinition} for a step without a builder, or `after` naming an unknown step or going in a circle
 */
export function defineTransaction<Input>(definition: TransactionDefinition<Input>): Transaction<Input> {
  const steps = Object.entries(definition.steps);
  if (steps.length === 0) throw new InvalidDefinition(`${definition.name} has no steps`);
  for (const [name, step] of steps) {
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
  const shape = steps.map(([name, step]): Json => [name, step.service, [...(step.after ?? [])]]);
  return {
    ...definition,
    hash: fingerprintOf([definition.name, definition.version ?? 1, shape]),
    services: [...new Set(steps.map(([, step]) => step.service))],
  };
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
  transaction: Transaction<Input>,
  rawInput: Json,
  limits: PlanLimits,
): readonly BranchSpec[] {
  checkContent("the input", rawInput, limits);
  const input = parseInput(transaction.input, rawInput);
  const plans = Object.entries(transaction.steps).map(([name, step]) => ({ name, step, plan: planStep(step, input) }));
  const idsOf = new Map(plans.map(({ name, plan }) => [name, plan.map((_, index) => branchId(name, index))]));
  const { branchesMax } = limits;
  // A step without branches for this input stands for the steps before it.
  const idsBefore = (name: string): readonly string[] =>
    (transaction.steps[name]?.after ?? []).flatMap((earlier) => {
      const ids = idsOf.get(earlier) ?? [];
      return ids.length > 0 ? ids : idsBefore(earlier);
    });
  const branches = plans.flatMap(({ name, step, plan }) =>
    plan.map(({ partition, payload }, index): BranchSpec => ({
      branchId: branchId(name, index),
      step: name,
      service: step.service,
      partition,
      payload,
      after: [...new Set(idsBefore(name))],
    })),
  );
  invariant(branches.length <= branchesMax, "limits", `${branches.length} branches, limit ${branchesMax}`);
  for (const branch of branches) checkBranch(branch, limits);
  return branches;
}

/** What the codec of a participant would drop unread must never be sent: it could be neither done nor undone. */
function checkBranch({ branchId: id, service, partition, payload }: BranchSpec, limits: PlanLimits): void {
  for (const name of [id, service, partition]) {
    const fits = name.length > 0 && name.length <= limits.idLengthMax;
    invariant(fits, "limits", `"${name}" is not a name of 1 to ${limits.idLengthMax} characters`);
  }
  checkContent(`the payload of ${id}`, payload, limits);
}

function checkContent(what: string, content: Json, { nestingMax, payloadBytesMax }: PlanLimits): void {
  invariant(nestsWithin(content, nestingMax), "limits", `${what} is nested deeper than ${nestingMax}`);
  const text = JSON.stringify(content);
  // A UTF-16 unit is at most three bytes: most contents need no encoding to be known to fit.
  if (text.length * 3 <= payloadBytesMax) return;
  const bytes = new TextEncoder().encode(text).byteLength;
  invariant(bytes <= payloadBytesMax, "limits", `${what} has ${bytes} bytes, limit ${payloadBytesMax}`);
}

function planStep<Input>(step: StepDefinition<Input>, input: Input): readonly BranchPlan[] {
  if (step.branches !== undefined) return step.branches(input);
  const payload = step.payload?.(input);
  return payload === undefined ? [] : [{ partition: "0", payload }];
}

function branchId(step: string, index: number): string {
  return `${step}/${index}`;
}
