// Turns the handlers of a service into the operations of the protocol.
import { InvalidInput, parseInput } from "../coordinator/standard-schema.ts";
import type { AsyncBranchHandler, AsyncBranchStep } from "../participant/index.ts";
import {
  isJsonObject,
  type Json,
  type BranchAction,
  type ActionResult,
  parseTransactionId,
} from "../protocol/index.ts";
import type { HandlerStep } from "./handlers.ts";
import type { Action, Actions } from "./service.ts";

/** A service was asked for a protocol that it cannot do. It says so at once, and nothing was changed. */
export const protocolUnsupported = "protocol_unsupported";

type Handle = (step: Step) => unknown;
type Step = HandlerStep<unknown, unknown> & {
  readonly output: unknown;
  readonly memo: Json | undefined;
  readonly refuse: (reason: string) => never;
};
type Run = (step: AsyncBranchStep<unknown>) => Promise<ActionResult>;
type Operations = { readonly [Name in BranchAction]?: Run };
export type UntypedHandlers = Readonly<Record<string, Handle | undefined>>;

/** One handler for all branches of a service: the action is part of the payload. */
export function branchHandlerOf(
  actions: Actions,
  handlers: Readonly<Record<string, UntypedHandlers>>,
): AsyncBranchHandler<unknown> {
  const operationsOf = new Map(
    Object.entries(actions).map(([name, action]) => [name, operations(action, handlers[name] ?? {})]),
  );
  const run = (operation: BranchAction, step: AsyncBranchStep<unknown>): Promise<ActionResult> | ActionResult => {
    const { action } = callOf(step.payload);
    const known = operationsOf.get(action);
    const handle = known?.[operation];
    if (handle !== undefined) return handle(step);
    const reason = known === undefined ? "unknown_action" : protocolUnsupported;
    if (isVote(operation)) return { kind: "refused", reason };
    throw new Error(`${operation} of the action ${action}: ${reason}`);
  };
  return {
    prepare: (step) => run("prepare", step),
    commit: (step) => run("commit", step),
    abort: (step) => run("abort", step),
    execute: (step) => run("execute", step),
    compensate: (step) => run("compensate", step),
    reapply: (step) => run("reapply", step),
  };
}

/** Those that may refuse. */
function isVote(operation: BranchAction): boolean {
  return operation === "prepare" || operation === "execute" || operation === "reapply";
}

function callOf(payload: Json): { readonly action: string; readonly input: Json } {
  const { action, input = null } = isJsonObject(payload) ? payload : {};
  return { action: typeof action === "string" ? action : "", input };
}

function operations(action: Action, handlers: UntypedHandlers): Operations {
  const { do: act, undo, reserve, confirm, release } = handlers;
  if (act !== undefined && undo !== undefined) {
    const vote = voting(action, act);
    // Nothing is left to do when it is decided: it was done at once.
    const commit: Run = () => Promise.resolve({ kind: "ok" });
    return { prepare: vote, commit, abort: settling(action, undo), ...sagaOf(action, vote, undo), reapply: vote };
  }
  if (reserve !== undefined && confirm !== undefined && release !== undefined) {
    const prepare = voting(action, reserve);
    const both = then(prepare, settling(action, confirm));
    const twoPhase = { prepare, commit: settling(action, confirm), abort: settling(action, release), reapply: both };
    return undo === undefined ? twoPhase : { ...twoPhase, ...sagaOf(action, both, undo) };
  }
  return operating(action, handlers);
}

function sagaOf(action: Action, execute: Run, undo: Handle): Operations {
  return { execute, compensate: settling(action, undo) };
}

/** An action that does or reserves something, or refuses. */
function voting(action: Action, handle: Handle): Run {
  return refusing(action, async (step) => {
    const returned = await handle(step);
    if (action.output === undefined) return { kind: "ok" };
    return { kind: "ok", output: parseInput(action.output, returned) as Json };
  });
}

/** One that settles what was done or reserved. What it returns means nothing. */
function settling(action: Action, handle: Handle): Run {
  return async (step) => {
    await handle(stepOf(action, step, cannotRefuse));
    return { kind: "ok" };
  };
}

/** Both in one step: the second gets what the first returned. */
function then(first: Run, second: Run): Run {
  return async (step) => {
    const result = await first(step);
    if (result.kind === "ok") await second({ ...step, output: result.output });
    return result;
  };
}

/** The operations of the protocol as they are written, on parsed input. */
function operating(action: Action, handlers: UntypedHandlers): Operations {
  const { prepare, commit, abort, execute, compensate } = handlers;
  const vote = (handle: Handle): Run => refusing(action, async (step) => (await handle(step)) as ActionResult);
  const settle = (handle: Handle): Run => {
    return async (step) => (await handle(stepOf(action, step, cannotRefuse))) as ActionResult;
  };
  const lost: Handle = () => ({ kind: "refused", reason: "reservation_lost" });
  return {
    ...(prepare && commit && abort && { prepare: vote(prepare), commit: settle(commit), abort: settle(abort) }),
    ...(execute && compensate && { execute: vote(execute), compensate: settle(compensate) }),
    reapply: vote(handlers["reapply"] ?? lost),
  };
}

class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Input that does not fit, and a refusal that was thrown, are answers. Any other error is not. */
function refusing(action: Action, handle: (step: Step) => Promise<ActionResult>): Run {
  return async (branch) => {
    let refused: Refusal | undefined;
    const refuse = (reason: string): never => {
      refused = new Refusal(reason);
      throw refused;
    };
    let step: Step;
    try {
      step = stepOf(action, branch, refuse);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      return { kind: "refused", reason: "invalid_input" };
    }
    try {
      const result = await handle(step);
      if (refused !== undefined) throw new Error(`it refused (${refused.reason}) and caught that: let it pass`);
      return result;
    } catch (error) {
      if (refused === undefined || error !== refused) throw error;
      return { kind: "refused", reason: refused.reason };
    }
  };
}

function cannotRefuse(reason: string): never {
  throw new Error(`what was voted on cannot be refused any more (${reason})`);
}

/** @throws {InvalidInput} */
function stepOf(action: Action, branch: AsyncBranchStep<unknown>, refuse: (reason: string) => never): Step {
  const { db, payload, txId, branchId, memo, output, now, signal } = branch;
  const input = parseInput(action.input, callOf(payload).input) as unknown;
  const { key } = parseTransactionId(txId);
  return { db, input, tx: txId, key, branch: `${txId}/${branchId}`, now, signal, memo, output, refuse };
}
