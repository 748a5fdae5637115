// Checks what a handler returned. Anything that a handler may not return is a bug of the service.
import { defaultLimits, exactJson, type Json, type Operation, type OperationResult } from "../protocol/index.ts";

/** A handler threw, or returned what no handler may return. Nothing of its step is kept. `code` is stable. */
export class HandlerFailed extends Error {
  readonly code = "handler_failed";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HandlerFailed";
  }
}

const mayRefuse: readonly Operation[] = ["prepare", "execute", "reapply"];

/** @throws {HandlerFailed} with what the handler threw as its cause */
export function resultOf(operation: Operation, handle: () => unknown): OperationResult {
  let result: unknown;
  try {
    result = handle();
  } catch (cause) {
    throw new HandlerFailed(`${operation} threw ${String(cause)}`, { cause });
  }
  if (typeof result !== "object" || result === null) {
    throw new HandlerFailed(`${operation} returned ${String(result)}: it must return what it did`);
  }
  if ("then" in result) {
    // The promise may reject later, when the step is over.
    Promise.resolve(result).catch(() => undefined);
    throw new HandlerFailed(`${operation} returned a promise: handlers are synchronous`);
  }
  return checked(operation, result);
}

function checked(operation: Operation, result: { kind?: unknown; reason?: unknown; memo?: unknown }): OperationResult {
  const { kind, reason, memo } = result;
  if (kind === "ok") return memo === undefined ? { kind } : { kind, memo: carriedMemo(operation, memo) };
  if (mayRefuse.includes(operation)) {
    if (kind === "contended") return { kind };
    if (kind === "refused" && typeof reason === "string" && reason !== "") return { kind, reason };
    if (kind === "refused") throw new HandlerFailed(`${operation} refused without a reason`);
  }
  throw new HandlerFailed(`${operation} returned the kind ${String(kind)}`);
}

function carriedMemo(operation: Operation, memo: unknown): Json {
  const { nestingMax, payloadBytesMax } = defaultLimits;
  try {
    return exactJson(memo, { nestingMax, valuesMax: payloadBytesMax });
  } catch (cause) {
    throw new HandlerFailed(`the memo of ${operation} cannot be carried as JSON: ${String(cause)}`, { cause });
  }
}
