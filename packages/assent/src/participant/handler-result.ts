// Checks what a handler returned. Anything that a handler may not return is a bug of the service.
import { defaultLimits, exactJson, type Json, type BranchAction, type ActionResult } from "../protocol/index.ts";

/** A handler threw, or returned what no handler may return. Nothing of its step is kept. `code` is stable. */
export class HandlerFailed extends Error {
  readonly code = "handler_failed";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HandlerFailed";
  }
}

const mayRefuse: readonly BranchAction[] = ["prepare", "execute", "reapply"];

/** @throws {HandlerFailed} with what the handler threw as its cause */
export function resultOf(operation: BranchAction, handle: () => unknown): ActionResult {
  let result: unknown;
  try {
    result = handle();
  } catch (cause) {
    throw new HandlerFailed(`${operation} threw ${String(cause)}`, { cause });
  }
  if (typeof result === "object" && result !== null && "then" in result) {
    // The promise may reject later, when the step is over.
    Promise.resolve(result).catch(() => undefined);
    throw new HandlerFailed(`${operation} returned a promise: handlers are synchronous`);
  }
  return checked(operation, result);
}

/**
 * The same for a handler that may wait, until the signal is aborted.
 * @throws {HandlerFailed} with what the handler threw as its cause, or the reason of the signal
 */
export async function resultOfAsync(
  operation: BranchAction,
  handle: () => unknown,
  signal: AbortSignal,
): Promise<ActionResult> {
  let result: unknown;
  try {
    result = await Promise.race([handle(), abortOf(signal)]);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new HandlerFailed(`${operation} threw ${String(cause)}`, { cause });
  }
  return checked(operation, result);
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function checked(operation: BranchAction, result: unknown): ActionResult {
  if (typeof result !== "object" || result === null) {
    throw new HandlerFailed(`${operation} returned ${String(result)}: it must return what it did`);
  }
  const { kind, reason, memo, output }: { kind?: unknown; reason?: unknown; memo?: unknown; output?: unknown } = result;
  if (kind === "ok") {
    return {
      kind,
      ...(memo !== undefined && { memo: carried(`the memo of ${operation}`, memo) }),
      ...(output !== undefined && { output: carriedOutput(operation, output) }),
    };
  }
  if (mayRefuse.includes(operation)) {
    if (kind === "contended") return { kind };
    if (kind === "refused" && typeof reason === "string" && reason !== "") return { kind, reason };
    if (kind === "refused") throw new HandlerFailed(`${operation} refused without a reason`);
  }
  throw new HandlerFailed(`${operation} returned the kind ${String(kind)}`);
}

function carriedOutput(operation: BranchAction, output: unknown): Json {
  if (!mayRefuse.includes(operation)) {
    throw new HandlerFailed(`${operation} returned an output: only ${mayRefuse.join(", ")} may`);
  }
  const json = carried(`the output of ${operation}`, output);
  const bytes = new TextEncoder().encode(JSON.stringify(json)).byteLength;
  const { outputBytesMax } = defaultLimits;
  if (bytes <= outputBytesMax) return json;
  throw new HandlerFailed(`the output of ${operation} has ${bytes} bytes, limit ${outputBytesMax}`);
}

function carried(what: string, value: unknown): Json {
  const { nestingMax, payloadBytesMax } = defaultLimits;
  try {
    return exactJson(value, { nestingMax, valuesMax: payloadBytesMax });
  } catch (cause) {
    throw new HandlerFailed(`${what} cannot be carried as JSON: ${String(cause)}`, { cause });
  }
}
