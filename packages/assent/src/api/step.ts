// One step of a transaction: an action with its input, and what it comes after.
import { InvalidDefinition } from "../coordinator/definition.ts";
import type { Protocol } from "../protocol/index.ts";

declare const types: unique symbol;

/** A step, as an action returns it. What it returns and why it may refuse are known to the compiler. */
export interface Step<Output, Refusal extends string> {
  /** Asked only when these have voted yes, and undone before them. Steps that are undefined are left out. */
  after(...steps: readonly (AnyStep | undefined)[]): this;
  /**
   * How long the step may take to vote, in milliseconds, counted from when it is asked; then the transaction is aborted
   * with the reason `timeout`. Left out, it has the time of the whole first phase.
   * @throws {InvalidDefinition} unless it is a whole number from 1
   */
  within(ms: number): this;
  readonly [types]?: { readonly output: Output; readonly refusal: Refusal };
}

export type AnyStep = Step<unknown, string>;

export interface StepCall {
  readonly service: string;
  readonly action: string;
  readonly input: unknown;
  readonly protocols?: readonly Protocol[];
}

class CalledStep implements Step<unknown, string> {
  readonly call: StepCall;
  readonly earlier: AnyStep[] = [];
  withinMs: number | undefined;

  constructor(call: StepCall) {
    this.call = call;
  }

  after(...steps: readonly (AnyStep | undefined)[]): this {
    this.earlier.push(...steps.filter((step) => step !== undefined));
    return this;
  }

  within(ms: number): this {
    if (!Number.isSafeInteger(ms) || ms < 1) throw new InvalidDefinition(`a step cannot vote within ${ms} ms`);
    this.withinMs = ms;
    return this;
  }
}

export function newStep(call: StepCall): Step<unknown, string> {
  return new CalledStep(call);
}

/** @throws {InvalidDefinition} for what no action returned */
export function readStep(name: string, step: AnyStep): Pick<CalledStep, "call" | "earlier" | "withinMs"> {
  if (step instanceof CalledStep) return step;
  throw new InvalidDefinition(`step ${name} is no call of a service's action`);
}
