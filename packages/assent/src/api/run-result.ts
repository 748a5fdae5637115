// What a caller of `run` gets, typed by the transaction.
import type { RunResult as UntypedResult } from "../coordinator/run-result.ts";
import { invariant, type JsonObject } from "../protocol/index.ts";
import type { Refusals, Returned, Steps } from "./transaction.ts";

/** Why the library aborts, beside what steps refuse with. */
export type AbortReason =
  /** A step did not vote in time. */
  | "timeout"
  /** By an operator, before anything was decided. */
  | "cancelled"
  /** The handler of a step failed until the deadline. */
  | "handler_failed"
  /** What the step needs was held by others for too long. */
  | "contended"
  /** The service cannot do the protocol, does not know the action, or does not accept the input. */
  | "protocol_unsupported"
  | "unknown_action"
  | "invalid_input"
  /** The steps could not be made from the input; no service was asked anything. */
  | "definition_failed"
  | "no_branches"
  /** The process that began it was gone, and a step had not voted. */
  | "interrupted"
  | "prevented"
  | "expired"
  | "deadline_passed"
  | "superseded"
  | "payload_mismatch"
  | "row_changed"
  | "aborted";

export type Committed<S extends Steps> = {
  readonly kind: "committed";
  readonly tx: string;
  /** Committed by an earlier call; nothing was done now. */
  readonly repeated: boolean;
  /** What the steps returned. */
  readonly steps: Returned<S>;
};

export type Aborted<S extends Steps> = {
  readonly kind: "aborted";
  readonly tx: string;
  readonly reason: Refusals<S> | AbortReason;
  /** The step that it is due to, where one is. */
  readonly step?: keyof S & string;
};

/** Not known yet: it may still commit. Ask again with the same key. */
export type Pending = { readonly kind: "pending"; readonly retryAfterMs: number };

/** The key belongs to another transaction, or to other input. Nothing was done. */
export type KeyReused = { readonly kind: "key_reused" };

/**
 * Nothing was begun by this call. An earlier one may have committed, except with the reason `service`: its breaker is
 * open.
 */
export type Unavailable = {
  readonly kind: "unavailable";
  readonly reason: "overloaded" | "store" | "service";
  readonly service?: string;
  readonly retryAfterMs: number;
};

export type RunResult<S extends Steps> = Committed<S> | Aborted<S> | Pending | KeyReused | Unavailable;

export function typedResult<S extends Steps>(result: UntypedResult): RunResult<S> {
  switch (result.kind) {
    case "committed":
      return { kind: "committed", tx: result.txId, repeated: result.repeated, steps: returned(result.outputs) };
    case "aborted": {
      const { txId: tx, reason, step } = result;
      return { kind: "aborted", tx, reason: reason as Refusals<S> | AbortReason, ...(step !== undefined && { step }) };
    }
    case "pending":
      return { kind: "pending", retryAfterMs: result.retryAfterMs };
    case "key_reused":
    case "unmet":
      return { kind: "key_reused" };
    case "overloaded":
      return { kind: "unavailable", reason: "overloaded", retryAfterMs: result.retryAfterMs };
    case "store_unavailable":
      return { kind: "unavailable", reason: "store", retryAfterMs: result.retryAfterMs };
    case "service_unavailable": {
      const { service, retryAfterMs } = result;
      return { kind: "unavailable", reason: "service", service, retryAfterMs };
    }
    case "absent":
      invariant(false, "C4", "a row is made with the first attempt");
  }
}

/** By step: each has one branch. */
function returned<S extends Steps>(outputs: JsonObject = {}): Returned<S> {
  const named = Object.entries(outputs).map(([branch, output]) => [stepOfBranch(branch), output]);
  return Object.fromEntries(named) as Returned<S>;
}

/** The step that a branch belongs to. */
export function stepOfBranch(branchId: string): string {
  return branchId.slice(0, branchId.lastIndexOf("/"));
}
